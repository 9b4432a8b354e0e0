# DAFormer, GTA -> Cityscapes (arXiv 2111.14887).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mitb5.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
student = _base_.model
model = dict(
    _delete_=True,
    type='DACS',
    model=student,
    data_preprocessor=_base_.data_preprocessor,
    **_base_.method,
    # Rows of a crop whose pseudo-labels are not trusted: horizon and bonnet.
    pseudo_weight_ignore_top=15,
    pseudo_weight_ignore_bottom=120)
