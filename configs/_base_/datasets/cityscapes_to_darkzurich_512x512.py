# Trained on Cityscapes, tested on Dark Zurich. There is no oracle, because Dark Zurich's training
# images have no labels.
_base_ = ['cityscapes_to_acdc_512x512.py']
target_val = dict(
    type='DarkZurichDataset',
    data_root='data/dark_zurich/',
    img_dir='rgb_anon/val',
    ann_dir='gt/val')
data = dict(val=target_val, test=target_val)
