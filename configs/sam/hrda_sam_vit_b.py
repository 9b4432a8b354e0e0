# SSR on HRDA, GTA -> Cityscapes: both resolutions are enhanced by one SAM map of the image.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrda_mitb5.py',
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024.py',
    '../_base_/uda/hrda.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(
    type='SSR', sam_model_registry='vit_b', stop_stage=[0, 1, 2, 3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
name = 'hrda_sam_vit_b'
name_dataset = 'gtaHR2cityscapesHR_1024x1024'
name_architecture = 'hrda1-512-0.1_daformer_sepaspp_sl_mitb5'
name_encoder = 'mitb5'
name_decoder = 'hrda1-512-0.1_daformer_sepaspp_sl'
name_uda = 'ssr_dacs_a999_fdthings_rcs0.01-2.0_cpl2'
name_opt = 'adamw_6e-05_pmTrue_poly10warm_1x2_40k'
