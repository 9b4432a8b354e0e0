# SARFormer's head on MiT-B5, adapted as DAFormer does it, GTA -> Cityscapes. No paper trains it.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(
    type='SARFormer',
    pretrained='pretrained/mit_b5.pth',
    backbone=dict(type='mit_b5'),
    regions=dict(type='sam', variant='vit_b', checkpoint='pretrained/sam_vit_b_01ec64.pth'),
    decode_head=dict(
        type='SARFormerHead',
        in_channels=[64, 128, 320, 512],
        in_index=[0, 1, 2, 3],
        num_classes=19,
        pool_from='mask_features',
        first_attention='predicted'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
name = 'gta2cs_daformer_sarformer_mitb5'
