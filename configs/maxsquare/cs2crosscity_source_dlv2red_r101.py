# MaxSquare, first stage: DeepLabV2 learns 13 classes of Cityscapes. It is scored on each city of
# NTHU Cross-City, in the order below.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_multi_r101.py',
    '../_base_/datasets/uda_cityscapes_to_crosscity_whole_flip.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/sgd_poly09.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(decode_head=dict(num_classes=13), auxiliary_head=None)
four_cities = dict(
    data_root='data/NTHU_Datasets/',
    img_dir=['Rome/Images/Test', 'Rio/Images/Test', 'Tokyo/Images/Test', 'Taipei/Images/Test'],
    ann_dir=['Rome/Labels/Test', 'Rio/Labels/Test', 'Tokyo/Labels/Test', 'Taipei/Labels/Test'])
data = dict(val=four_cities, test=four_cities)
uda = dict(source_only=True)
lr_config = dict(policy='PolyToHorizon', horizon=200000)
runner = dict(type='IterBasedRunner', max_iters=80000)
name = 'cs2crosscity_source_dlv2red_r101'
