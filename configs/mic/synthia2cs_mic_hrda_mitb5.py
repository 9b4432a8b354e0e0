# MIC on HRDA, SYNTHIA -> Cityscapes (arXiv 2212.01322).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrda_mitb5.py',
    '../_base_/datasets/uda_synthiaHR_to_cityscapesHR_1024x1024.py',
    '../_base_/uda/mic_hrda.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'synthia2cs_mic_hrda_mitb5'
