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
name_dataset = 'gta2cityscapes'
name_architecture = 'daformer_sepaspp_mitb5'
name_encoder = 'mitb5'
name_decoder = 'daformer_sepaspp'
name_uda = 'ssr_dacs_a999_fdthings_rcs0.01_cpl'
name_opt = 'adamw_6e-05_pmTrue_poly10warm_1x2_40k'
