# The page docs/own_data.md on drawn images: a small network on small images, minutes on a CPU.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_r18_small.py',
    '../_base_/datasets/uda_own_small.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw_poly_demo.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(decode_head=dict(num_classes=7))
uda = dict(alpha=0.99, pseudo_threshold=0.9)
name = 'demo_own_data'
