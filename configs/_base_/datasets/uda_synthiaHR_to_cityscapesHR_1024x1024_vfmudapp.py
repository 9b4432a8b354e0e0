# VFM-UDA++'s data with SYNTHIA as the source, at a short side of 1024. It is scored over all 19
# classes, and over SYNTHIA's 16 and 13.
_base_ = ['uda_gtaHR_to_cityscapesHR_1024x1024_vfmudapp.py']
crop_size = (1024, 1024)
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
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
    train=dict(
        source=dict(
            type='SynthiaDataset',
            data_root='data/synthia/',
            img_dir='RGB',
            ann_dir='GT/LABELS',
            pipeline=source_train_pipeline)),
    val=dict(type='CityscapesSynthiaDataset'),
    test=dict(datasets=[
        dict(
            type='CityscapesSynthiaDataset',
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
