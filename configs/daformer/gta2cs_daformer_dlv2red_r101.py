# DAFormer's training of DeepLabV2, GTA -> Cityscapes. It is a row of the paper's table of RCS and
# FD (arXiv 2111.14887, Table 5).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_r101.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'gta2cs_daformer_dlv2red_r101'
