# SARFormer on Streets, adapted as DAFormer does it.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sarformer_r18_small.py',
    '../_base_/datasets/uda_streets.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw_poly_demo.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(alpha=0.99, pseudo_threshold=0.9, pseudo_weight_ignore_bottom=15)
name = 'demo_daformer_sarformer'
