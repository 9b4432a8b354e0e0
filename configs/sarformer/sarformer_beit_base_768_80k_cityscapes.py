# SARFormer on Cityscapes. No paper trains it there.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/mask2former_beit_adapter_base.py',
    '../_base_/datasets/cityscapes_768x768.py',
    '../_base_/schedules/adamw_poly09_160k_sarformer.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(
    type='SARFormer',
    backbone=dict(img_size=768),
    regions=dict(type='sam', variant='vit_b', checkpoint='pretrained/sam_vit_b_01ec64.pth'),
    decode_head=dict(
        type='SARFormerHead', num_classes=19, pool_from='context', first_attention='outside'),
    auxiliary_head=dict(num_classes=19),
    test_cfg=dict(crop_size=(768, 768), stride=(512, 512)))
runner = dict(max_iters=80000)
name = 'sarformer_beit_base_768_80k_cityscapes'
