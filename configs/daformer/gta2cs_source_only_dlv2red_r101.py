# DeepLabV2 trained on GTA alone, tested on Cityscapes (arXiv 2111.14887, Table 1).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_r101.py',
    '../_base_/datasets/gta_to_cityscapes_512x512.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
optimizer_config = dict()
name = 'gta2cs_source_only_dlv2red_r101'
