# SSR on VFM-UDA: SAM ViT-B regularizes the one map of DINOv2 ViT-B/14. It is in no paper.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/vfmuda_dinov2_b.py',
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024_vfmuda.py',
    '../_base_/uda/vfmuda.py',
    '../_base_/schedules/adamw_poly10warm_40k_vfmuda.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(
    type='SSR', sam_model_registry='vit_b', stop_stage=[0],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
name = 'gta2cs_vfmuda_ssr_dinov2_b'
