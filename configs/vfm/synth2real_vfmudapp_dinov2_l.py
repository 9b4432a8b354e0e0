# VFM-UDA++ with DINOv2 ViT-L/14, "All Synth to All Real" (arXiv 2503.10685; 82.2 mIoU on Cityscapes
# and 71.3 on WildDash2 by its README).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmudapp_dinov2_l.py',
    '../_base_/datasets/uda_synth_to_real_1024x1024_vfmudapp.py',
    '../_base_/uda/vfmudapp.py',
    '../_base_/schedules/adamw_warm_linear_40k_vfmudapp_24.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'synth2real_vfmudapp_dinov2_l'
