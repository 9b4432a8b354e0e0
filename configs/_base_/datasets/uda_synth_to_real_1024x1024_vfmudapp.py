# VFM-UDA++, "All Synth to All Real" (arXiv 2503.10685): three sets with labels -> five without.
# Each has a share in proportion to its number of images. WildDash2 is tested on alone.
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
source_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='AntialiasedResize', img_scale=(4096, 1024), ratio_range=(0.9, 1.1)),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
# The targets' labels are never read.
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
# Shares of the full image: top, bottom, left, right.
margins = [0.03, 0.25, 0.03, 0.03]
# Mapillary Vistas of the archive of v2.0 has its labels in validation/v1.2/labels.
val_sets = [
    dict(
        type='CityscapesDataset', data_root='data/cityscapes/', img_dir='leftImg8bit/val',
        ann_dir='gtFine/val', pipeline=test_pipeline),
    dict(
        type='BDD100KDataset', data_root='data/bdd100k/', img_dir='images/10k/val',
        ann_dir='labels/sem_seg/masks/val', pipeline=test_pipeline),
    dict(
        type='MapillaryDataset', data_root='data/mapillary/', img_dir='validation/images',
        ann_dir='validation/labels', pipeline=test_pipeline),
    dict(
        type='WildDashDataset', data_root='data/wilddash/', img_dir='images', ann_dir='labels',
        part='val', pipeline=test_pipeline),
    dict(
        type='ACDCDataset', data_root='data/acdc/', img_dir='rgb_anon/val', ann_dir='gt/val',
        pipeline=test_pipeline),
    dict(
        type='DarkZurichDataset', data_root='data/dark_zurich/', img_dir='rgb_anon/val/night',
        ann_dir='gt/val/night', pipeline=test_pipeline),
]
data = dict(
    samples_per_gpu=8,  # or 2 on each of 4 GPUs
    workers_per_gpu=4,
    train=dict(
        type='UDADataset',
        source=[
            dict(
                type='GTADataset', data_root='data/gta/', img_dir='images', ann_dir='labels',
                pipeline=gta_train_pipeline),
            dict(
                type='SynthiaDataset', data_root='data/synthia/', img_dir='RGB',
                ann_dir='GT/LABELS', pipeline=source_train_pipeline),
            dict(
                type='SynscapesDataset', data_root='data/synscapes/', img_dir='img/rgb-2k',
                ann_dir='img/class', pipeline=source_train_pipeline),
        ],
        target=[
            dict(
                type='CityscapesDataset', data_root='data/cityscapes/',
                img_dir='leftImg8bit/train', pipeline=target_train_pipeline,
                crop_pseudo_margins=margins),
            dict(
                type='BDD100KDataset', data_root='data/bdd100k/', img_dir='images/10k/train',
                pipeline=target_train_pipeline, crop_pseudo_margins=margins),
            dict(
                type='MapillaryDataset', data_root='data/mapillary/', img_dir='training/images',
                pipeline=target_train_pipeline, crop_pseudo_margins=margins),
            dict(
                type='ACDCDataset', data_root='data/acdc/', img_dir='rgb_anon/train',
                pipeline=target_train_pipeline, crop_pseudo_margins=margins),
            dict(  # night, twilight and day
                type='DarkZurichDataset', data_root='data/dark_zurich/', img_dir='rgb_anon/train',
                pipeline=target_train_pipeline, crop_pseudo_margins=margins),
        ],
        # A class is drawn by the statistics of the data set that was drawn. Each crop is drawn
        # again until it holds more than 6,000 pixels of the class and no class has 75 % of its
        # labeled pixels, 20 times at most.
        rare_class_sampling=dict(
            min_pixels=3000, class_temp=0.05, min_crop_ratio=2.0, max_redraws=20,
            cat_max_ratio=0.75, keep_scale=True, per_source=True)),
    val=val_sets,
    test=val_sets)
