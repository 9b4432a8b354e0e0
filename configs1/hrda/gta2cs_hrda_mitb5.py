# HRDA on DAFormer, GTA -> Cityscapes (arXiv 2204.13132). The data bring the untrusted margins,
# because crops have no fixed place in the image.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrda_mitb5.py',
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
student = _base_.model
model = dict(
    _delete_=True,
    type='DACS',
    model=student,
    data_preprocessor=_base_.data_preprocessor,
    **_base_.method)
