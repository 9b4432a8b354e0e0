# DAFormer on your own data, see docs/own_data.md.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mitb5.py',
    '../_base_/datasets/uda_own_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
student = _base_.model
student.decode_head.num_classes = 7
_base_.method.imnet_feature_dist_classes = [2, 5, 6]  # positions of things (counted objects)
model = dict(
    _delete_=True,
    type='DACS',
    model=student,
    data_preprocessor=_base_.data_preprocessor,
    **_base_.method)
