# SSR on DAFormer, Cityscapes -> Rome of NTHU Cross-City, 13 classes.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mitb5.py',
    '../_base_/datasets/uda_cityscapes_to_crosscity_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(decode_head=dict(num_classes=13))
# Things among the 13 classes. No margins: the target has no artifacts in them.
uda = dict(
    imnet_feature_dist_classes=[3, 4, 7, 8, 9, 10, 11, 12],
    pseudo_weight_ignore_top=0, pseudo_weight_ignore_bottom=0,
    type='SSR', sam_model_registry='vit_b', stop_stage=[0, 1, 2, 3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
name = 'cs2rome_daformer_sam_vit_b'
