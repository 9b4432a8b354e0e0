# VFM-UDA++ with DINOv2 ViT-B/14, SYNTHIA -> Cityscapes (arXiv 2503.10685; 69.7 mIoU by its README,
# which seems to be the mean over SYNTHIA's 16 classes).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmudapp_dinov2_b.py',
    '../_base_/datasets/uda_synthiaHR_to_cityscapesHR_1024x1024_vfmudapp.py',
    '../_base_/uda/vfmudapp.py',
    '../_base_/schedules/adamw_warm_linear_40k_vfmudapp_12.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'synthia2cs_vfmudapp_dinov2_b'
