# Source-only on Streets, the baseline of the other two configs. Data and step are the same. The
# target images are not used.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_r18_small.py',
    '../_base_/datasets/uda_streets.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw_poly_demo.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(source_only=True)
name = 'demo_source_only'
