# SSR on DAFormer's training of DeepLabV2. SAM ViT-B regularizes the last stage of ResNet-101,
# because DeepLabV2's head reads no other.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_r101.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(
    type='SSR', sam_model_registry='vit_b', stop_stage=[3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
name = 'daformer_dlv2red_sam_vit_b'
