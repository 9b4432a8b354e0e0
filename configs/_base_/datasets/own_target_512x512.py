# Trained on your own target images with labels: the oracle.
_base_ = ['cityscapes_512x512.py', 'own_folders.py']
data = dict(
    train={{_base_.own_oracle}},
    val={{_base_.own_val}},
    test={{_base_.own_val}})
