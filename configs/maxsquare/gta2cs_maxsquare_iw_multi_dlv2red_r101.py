# MaxSquare + IW + Multi: confident predictions teach the second classifier too.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_multi_r101.py',
    '../_base_/datasets/uda_gta_to_cityscapes_whole_flip.py',
    '../_base_/uda/maxsquare.py',
    '../_base_/schedules/sgd_poly09.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(lambda_max_square=0.09, image_wise_ratio=0.2, guidance_weight=0.1)
data = dict(train=dict(target=dict(pipeline=[
    dict(type='LoadImageFromFile'),
    dict(type='Resize', img_scale=(1280, 640)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
         to_rgb=True),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img']),
])))
load_from = 'work_dirs/maxsquare/source_multi_s0/latest.pth'
runner = dict(type='IterBasedRunner', max_iters=29750)
evaluation = dict(interval=2975)
name = 'gta2cs_maxsquare_iw_multi_dlv2red_r101'
