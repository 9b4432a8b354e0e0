# MinEnt, GTA -> Cityscapes (arXiv 1811.12833, Table 1): from ImageNet weights, in one stage.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_multi_r101.py',
    '../_base_/datasets/uda_gta_to_cityscapes_whole.py',
    '../_base_/uda/minent.py',
    '../_base_/schedules/sgd_poly09.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
lr_config = dict(policy='PolyToHorizon', horizon=250000)
runner = dict(type='IterBasedRunner', max_iters=120000)
name = 'gta2cs_minent_dlv2red_r101'
