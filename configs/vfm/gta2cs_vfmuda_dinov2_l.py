# VFM-UDA, DINOv2 ViT-L/14, GTA -> Cityscapes (arXiv 2406.09896; 78.4 mIoU by its README). See
# gta2cs_vfmuda_dinov2_b.py for the published settings and the differences.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmuda_dinov2_l.py',
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024_vfmuda.py',
    '../_base_/uda/vfmuda.py',
    '../_base_/schedules/adamw_poly10warm_40k_vfmuda.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'gta2cs_vfmuda_dinov2_l'
