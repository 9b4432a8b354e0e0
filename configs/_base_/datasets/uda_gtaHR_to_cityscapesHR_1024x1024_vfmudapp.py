# VFM-UDA++'s data (arXiv 2503.10685 and its code): GTA with labels -> Cityscapes without. Short
# sides of 1440 and 1024 times 0.9 to 1.1, padded with black before the colors are normalized. The
# step jitters the colors.
_base_ = ['uda_gtaHR_to_cityscapesHR_1024x1024.py']
crop_size = (1024, 1024)
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
gta_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    # No image reaches the long side, so the short side decides.
    dict(type='AntialiasedResize', img_scale=(4096, 1440), ratio_range=(0.9, 1.1)),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
# The target's labels are never read.
target_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='AntialiasedResize', img_scale=(4096, 1024), ratio_range=(0.9, 1.1)),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='DefaultFormatBundle'),
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
data = dict(
    samples_per_gpu=8,  # or 2 on each of 4 GPUs
    train=dict(
        source=dict(pipeline=gta_train_pipeline),
        target=dict(
            pipeline=target_train_pipeline,
            # Shares of the full image: top, bottom, left, right.
            crop_pseudo_margins=[0.03, 0.25, 0.03, 0.03]),
        # Each crop is drawn again until it holds more than 6,000 pixels of the class and no class
        # has 75 % of its labeled pixels, 20 times at most.
        rare_class_sampling=dict(
            min_pixels=3000, class_temp=0.05, min_crop_ratio=2.0, max_redraws=20,
            cat_max_ratio=0.75, keep_scale=True, per_source=True)),
    val=dict(pipeline=test_pipeline),
    # The published table has both sets. Remove the second one if you lack WildDash2.
    test=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                type='CityscapesDataset',
                data_root='data/cityscapes/',
                img_dir='leftImg8bit/val',
                ann_dir='gtFine/val',
                pipeline=test_pipeline),
            dict(
                type='WildDashDataset',
                data_root='data/wilddash/',
                img_dir='images',
                ann_dir='labels',
                part='val',
                pipeline=test_pipeline),
        ]))
