# VFM-UDA++ with DINOv2 ViT-L/14, SYNTHIA -> Cityscapes. Its code has a config for ViT-B alone.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmudapp_dinov2_l.py',
    '../_base_/datasets/uda_synthiaHR_to_cityscapesHR_1024x1024_vfmudapp.py',
    '../_base_/uda/vfmudapp.py',
    '../_base_/schedules/adamw_warm_linear_40k_vfmudapp_24.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'synthia2cs_vfmudapp_dinov2_l'
