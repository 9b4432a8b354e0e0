# A ConvNeXt-B student that DINOv2 ViT-B/14 regularizes. Like gta2cs_ssr_dinov2_b.py, it has no
# non-commercial parts and is in no paper.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_convnext_b.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/mic.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(
    type='SSR',
    regularizer=dict(
        stages=[0, 1, 2, 3],
        encoder=dict(
            type='timm',
            model='vit_base_patch14_dinov2.lvd142m',
            checkpoint='pretrained/dinov2_vitb14_pretrain.pth',
            input_size=518)))
name = 'gta2cs_ssr_convnext_b'
