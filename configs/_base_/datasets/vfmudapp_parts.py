# What the data sets of VFM-UDA++ share (arXiv 2503.10685 and its code): pipelines, sampling, and
# the sets that several of them are scored on. Short sides are times 0.9 to 1.1, and smaller images
# are padded with black before the colors are normalized. The step jitters the colors.
crop_size = (1024, 1024)
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
load_labeled = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
crop_and_flip = [
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='DefaultFormatBundle'),
]
gta_train_pipeline = [
    *load_labeled,
    # No image reaches the long side, so the short side decides.
    dict(type='AntialiasedResize', img_scale=(4096, 1440), ratio_range=(0.9, 1.1)),
    *crop_and_flip,
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
source_train_pipeline = [
    *load_labeled,
    dict(type='AntialiasedResize', img_scale=(4096, 1024), ratio_range=(0.9, 1.1)),
    *crop_and_flip,
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
# The target's labels are never read.
target_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='AntialiasedResize', img_scale=(4096, 1024), ratio_range=(0.9, 1.1)),
    *crop_and_flip,
    dict(type='Collect', keys=['img']),
]
# Predictions and labels are compared at a short side of 1024.
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='ResizeForScore', img_scale=(4096, 1024)),
    dict(
        type='MultiScaleFlipAug',
        img_scale=(4096, 1024),
        flip=False,
        transforms=[
            dict(type='AntialiasedResize'),
            dict(type='RandomFlip'),
            dict(type='Normalize', **img_norm_cfg),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ])
]
# Shares of the full image: top, bottom, left, right.
margins = [0.03, 0.25, 0.03, 0.03]
cityscapes_val = dict(
    type='CityscapesDataset', data_root='data/cityscapes/', img_dir='leftImg8bit/val',
    ann_dir='gtFine/val', pipeline=test_pipeline)
# On the 50 night images of val. Other papers report the test server's 151.
dark_zurich_val = dict(
    type='DarkZurichDataset', data_root='data/dark_zurich/', img_dir='rgb_anon/val/night',
    ann_dir='gt/val/night', pipeline=test_pipeline)
wilddash_val = dict(
    type='WildDashDataset', data_root='data/wilddash/', img_dir='images', ann_dir='labels',
    part='val', pipeline=test_pipeline)
data = dict(
    samples_per_gpu=8,  # or 2 on each of 4 GPUs
    workers_per_gpu=4,
    train=dict(
        type='UDADataset',
        # A class is drawn by the statistics of the data set that was drawn. Each crop is drawn
        # again until it holds more than 6,000 pixels of the class and no class has 75 % of its
        # labeled pixels, 20 times at most.
        rare_class_sampling=dict(
            min_pixels=3000, class_temp=0.05, min_crop_ratio=2.0, max_redraws=20,
            cat_max_ratio=0.75, keep_scale=True, per_source=True)))
