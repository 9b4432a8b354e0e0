# A recipe whose code and weights may all be used commercially (docs/licenses.md): DINOv2 student,
# feature pyramid, DAFormer's decoder, MIC's self-training, SAM as the regularizer. It is in no
# paper. GTA5 and Cityscapes are for research, so replace them by your own data.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_dinov2_b.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/mic.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(
    imnet_feature_dist_lambda=0,  # as in VFM-UDA
    type='SSR', sam_model_registry='vit_b', stop_stage=[0, 1, 2, 3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
optimizer = dict(
    lr=1.414e-05,  # VFM-UDA's rate for DINOv2
    paramwise_cfg=dict(custom_keys=dict(neck=dict(lr_mult=10.0))))
name = 'gta2cs_ssr_dinov2_b'
