# DAFormer's training of DeepLabV2 with all four dilations, GTA -> Cityscapes.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2_r101.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'gta2cs_daformer_dlv2_r101'
