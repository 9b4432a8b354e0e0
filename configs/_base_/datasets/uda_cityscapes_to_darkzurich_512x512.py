# Cityscapes with labels -> Dark Zurich (night) without. ACDC's images have the same size.
_base_ = ['uda_cityscapes_to_acdc_512x512.py']
target_val = dict(
    type='DarkZurichDataset',
    data_root='data/dark_zurich/',
    img_dir='rgb_anon/val',
    ann_dir='gt/val')
data = dict(
    train=dict(
        target=dict(
            type='DarkZurichDataset',
            data_root='data/dark_zurich/',
            img_dir='rgb_anon/train/night')),
    val=target_val,
    test=target_val)
