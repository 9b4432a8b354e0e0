# Trained on your own source images, tested on your target images.
_base_ = ['gta_to_cityscapes_512x512.py', 'own_folders.py']
data = dict(
    train={{_base_.own_source}},
    val={{_base_.own_val}},
    test={{_base_.own_val}})
