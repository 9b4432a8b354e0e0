# Your own data in the pipelines of Streets: 256 x 128 pixels, crops of 128 x 128.
_base_ = ['uda_streets.py', 'own_folders.py']
data = dict(
    train=dict(source={{_base_.own_source}}, target={{_base_.own_target}}),
    val={{_base_.own_val}},
    test={{_base_.own_val}})
