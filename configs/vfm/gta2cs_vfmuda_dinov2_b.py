# VFM-UDA, DINOv2 ViT-B/14, GTA -> Cityscapes (arXiv 2406.09896; 77.1 mIoU by its README).
# The paper and its code (github.com/tue-mps/vfm-uda) give network, sizes, learning rates, schedule,
# batch, rare class sampling, margins, confidence, color jitter, and no feature distance.
# Four things differ here. Blocks of 64 pixels are masked, a variant of their code; the published
# runs mask single patches. Pseudo-labels are not averaged with those of the flipped image. The
# jittered source is also the one that is mixed. Logits of test windows are averaged, not
# probabilities.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmuda_dinov2_b.py',
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024_vfmuda.py',
    '../_base_/uda/vfmuda.py',
    '../_base_/schedules/adamw_poly10warm_40k_vfmuda.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'gta2cs_vfmuda_dinov2_b'
