# DAFormer + SSR on Streets. The encoder is the package's SAM of a million parameters, trained on
# street scenes in many looks, but not in the look of the target domain.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_r18_small.py',
    '../_base_/datasets/uda_streets.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw_poly_demo.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(
    type='SSR',
    alpha=0.99,
    pseudo_threshold=0.9,
    pseudo_weight_ignore_bottom=15,
    regularizer=dict(
        stages=[0, 1, 2, 3],
        encoder=dict(variant='mini', checkpoint='shipped', input_size=128)))
name = 'demo_daformer_ssr'
