# DACS with DAFormer's optimizer on DeepLabV2, GTA -> Cityscapes (arXiv 2111.14887, Table 1).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_r101.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
data = dict(train=dict(rare_class_sampling=None))
name = 'gta2cs_dacs_dlv2red_r101'
