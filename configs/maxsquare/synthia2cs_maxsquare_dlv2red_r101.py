# MaxSquare, SYNTHIA -> Cityscapes, second stage (arXiv 1909.13589). The command
# `mmseg-ssr table maxsquare-synthia` trains both stages; --load-from names another file.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_multi_r101.py',
    '../_base_/datasets/uda_synthia_to_cityscapes_whole_flip.py',
    '../_base_/uda/maxsquare.py',
    '../_base_/schedules/sgd_poly09.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(decode_head=dict(num_classes=16), auxiliary_head=None)
load_from = 'work_dirs/maxsquare-synthia/source_s0/latest.pth'
runner = dict(type='IterBasedRunner', max_iters=29750)
evaluation = dict(interval=2975)
name = 'synthia2cs_maxsquare_dlv2red_r101'
