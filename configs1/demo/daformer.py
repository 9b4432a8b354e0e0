# DAFormer on Streets. No feature distance: there are no ImageNet weights to stay close to.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_r18_small.py',
    '../_base_/datasets/uda_streets.py',
    '../_base_/schedules/adamw_poly_demo.py',
]
student = _base_.model
model = dict(
    _delete_=True,
    type='DACS',
    model=student,
    data_preprocessor=_base_.data_preprocessor,
    max_iters=1200,
    seed=0,
    alpha=0.99,
    pseudo_threshold=0.9,
    blur=True,
    color_jitter_strength=0.2,
    color_jitter_probability=0.2,
    pseudo_weight_ignore_top=0,
    pseudo_weight_ignore_bottom=15)
