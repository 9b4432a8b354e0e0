# VFM-UDA++ with DINOv2 ViT-L/14, Cityscapes -> Dark Zurich (arXiv 2503.10685; 68.7 mIoU by its
# README, which seems to be that of the 50 night images of val).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmudapp_dinov2_l.py',
    '../_base_/datasets/uda_cityscapesHR_to_darkzurichHR_1024x1024_vfmudapp.py',
    '../_base_/uda/vfmudapp.py',
    '../_base_/schedules/adamw_warm_linear_40k_vfmudapp_24.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'cs2darkzurich_vfmudapp_dinov2_l'
