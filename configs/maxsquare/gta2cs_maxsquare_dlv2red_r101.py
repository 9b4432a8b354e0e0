# MaxSquare, GTA -> Cityscapes, second stage (arXiv 1909.13589, Table 1). It makes ten rounds
# through the 2975 target images, from the first stage's checkpoint. The command
# `mmseg-ssr table maxsquare` trains both stages; --load-from names another file.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_multi_r101.py',
    '../_base_/datasets/uda_gta_to_cityscapes_whole_flip.py',
    '../_base_/uda/maxsquare.py',
    '../_base_/schedules/sgd_poly09.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(auxiliary_head=None)
load_from = 'work_dirs/maxsquare/source_s0/latest.pth'
runner = dict(type='IterBasedRunner', max_iters=29750)
evaluation = dict(interval=2975)
name = 'gta2cs_maxsquare_dlv2red_r101'
