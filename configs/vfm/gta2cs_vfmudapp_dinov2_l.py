# VFM-UDA++ with DINOv2 ViT-L/14 as published (arXiv 2503.10685 and its code).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmudapp_dinov2_l.py',
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024_vfmudapp.py',
    '../_base_/uda/vfmudapp.py',
    '../_base_/schedules/adamw_warm_linear_40k_vfmudapp_24.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
optimizer = dict(lr=1e-5 * 8 ** 0.5)  # a fifth of the rate of the other configs, as published
name = 'gta2cs_vfmudapp_dinov2_l'
