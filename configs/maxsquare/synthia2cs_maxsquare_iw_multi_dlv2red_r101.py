# MaxSquare + IW + Multi: confident predictions teach the second classifier too. Its weights are
# published for GTA alone, and taken from there.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_multi_r101.py',
    '../_base_/datasets/uda_synthia_to_cityscapes_whole_flip.py',
    '../_base_/uda/maxsquare.py',
    '../_base_/schedules/sgd_poly09.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(decode_head=dict(num_classes=16), auxiliary_head=dict(num_classes=16))
uda = dict(lambda_max_square=0.09, image_wise_ratio=0.2, guidance_weight=0.1)
load_from = 'work_dirs/maxsquare-synthia/source_multi_s0/latest.pth'
runner = dict(type='IterBasedRunner', max_iters=29750)
evaluation = dict(interval=2975)
name = 'synthia2cs_maxsquare_iw_multi_dlv2red_r101'
