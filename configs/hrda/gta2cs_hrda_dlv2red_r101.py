# HRDA on DeepLabV2, GTA -> Cityscapes (arXiv 2204.13132).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrda_dlv2red_r101.py',
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024.py',
    '../_base_/uda/hrda.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'gta2cs_hrda_dlv2red_r101'
