# MaxSquare, first stage for Multi: both classifiers learn the 16 classes of SYNTHIA.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_multi_r101.py',
    '../_base_/datasets/uda_synthia_to_cityscapes_whole_flip.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/sgd_poly09.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(decode_head=dict(num_classes=16), auxiliary_head=dict(num_classes=16))
uda = dict(source_only=True)
lr_config = dict(policy='PolyToHorizon', horizon=200000)
runner = dict(type='IterBasedRunner', max_iters=80000)
name = 'synthia2cs_source_multi_dlv2red_r101'
