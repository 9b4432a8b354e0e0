# Mask2Former on Streets, trained on the source alone.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/mask2former_r18_small.py',
    '../_base_/datasets/uda_streets.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw_poly_demo.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(source_only=True)
name = 'demo_mask2former'
