# VFM-UDA, DINOv2 ViT-B/14, GTA -> Cityscapes (arXiv 2406.09896; 77.1 mIoU by its README).
# Known from the paper and its code (github.com/tue-mps/vfm-uda): network, sizes, learning rates,
# schedule, batch, rare class sampling, margins, confidence, color jitter, no feature distance.
# Ours: blocks of 64 pixels are masked, a variant that their code has, where the published runs mask
# single patches; pseudo-labels are not averaged with those of the flipped image; the jittered
# source is also the one that is mixed; logits, not probabilities, of test windows are averaged.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmuda_dinov2_b.py',
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024_vfmuda.py',
    '../_base_/uda/vfmuda.py',
    '../_base_/schedules/adamw_poly10warm_40k_vfmuda.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'gta2cs_vfmuda_dinov2_b'
