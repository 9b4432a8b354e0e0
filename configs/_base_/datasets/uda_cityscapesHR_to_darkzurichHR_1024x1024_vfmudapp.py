# VFM-UDA++'s data: Cityscapes with labels -> Dark Zurich without, at all times of day. It is scored
# on the 50 night images of val, while other papers report the test server's 151.
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
dark_zurich_val = dict(
    type='DarkZurichDataset',
    data_root='data/dark_zurich/',
    img_dir='rgb_anon/val/night',
    ann_dir='gt/val/night',
    pipeline=test_pipeline)
data = dict(
    train=dict(
        source=dict(
            type='CityscapesDataset',
            data_root='data/cityscapes/',
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            pipeline=source_train_pipeline),
        target=dict(
            type='DarkZurichDataset',
            data_root='data/dark_zurich/',
            img_dir='rgb_anon/train')),  # night, twilight and day
    val=dark_zurich_val,
    test=dict(datasets=[
        dark_zurich_val,
        dict(
            type='WildDashDataset',
            data_root='data/wilddash/',
            img_dir='images',
            ann_dir='labels',
            part='val',
            pipeline=test_pipeline),
    ]))
