# Trained on Cityscapes, tested on ACDC: on each condition and on all.
_base_ = ['cityscapes_512x512.py']
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='MultiScaleFlipAug',
        img_scale=(960, 540),
        flip=False,
        transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='RandomFlip'),
            dict(type='Normalize', **img_norm_cfg),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ])
]
target_val = dict(
    type='ACDCDataset',
    data_root='data/acdc/',
    img_dir='rgb_anon/val',
    ann_dir='gt/val',
    pipeline=test_pipeline)
data = dict(val=target_val, test=target_val)
