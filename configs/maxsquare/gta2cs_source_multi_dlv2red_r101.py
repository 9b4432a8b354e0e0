# MaxSquare, first stage for Multi: both classifiers learn GTA.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_multi_r101.py',
    '../_base_/datasets/uda_gta_to_cityscapes_whole_flip.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/sgd_poly09.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(source_only=True)
lr_config = dict(policy='PolyToHorizon', horizon=200000)
runner = dict(type='IterBasedRunner', max_iters=80000)
name = 'gta2cs_source_multi_dlv2red_r101'
