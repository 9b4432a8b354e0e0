# SSR on DAFormer, GTA -> Cityscapes (arXiv 2401.14686): SAM ViT-B regularizes all four stages.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mitb5.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(
    type='SSR', sam_model_registry='vit_b', stop_stage=[0, 1, 2, 3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
name = 'daformer_sam_vit_b'
