# MIC on HRDA, Cityscapes -> ACDC (arXiv 2212.01322): source and target are masked.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrda_mitb5.py',
    '../_base_/datasets/uda_cityscapesHR_to_acdcHR_1024x1024.py',
    '../_base_/uda/mic_hrda.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(mask_mode='separate')
name = 'cs2acdc_mic_hrda_mitb5'
