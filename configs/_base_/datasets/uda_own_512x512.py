# Your own data in the pipelines of GTA -> Cityscapes. Source images are made to fit 1280 x 720
# pixels, target images 1024 x 512. Crops are 512 x 512.
_base_ = ['uda_gta_to_cityscapes_512x512.py', 'own_folders.py']
data = dict(
    train=dict(source={{_base_.own_source}}, target={{_base_.own_target}}),
    val={{_base_.own_val}},
    test={{_base_.own_val}})
