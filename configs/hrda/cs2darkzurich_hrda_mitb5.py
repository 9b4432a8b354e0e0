# HRDA on DAFormer, Cityscapes -> Dark Zurich (arXiv 2204.13132).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrda_mitb5.py',
    '../_base_/datasets/uda_cityscapesHR_to_darkzurichHR_1024x1024.py',
    '../_base_/uda/hrda.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'cs2darkzurich_hrda_mitb5'
