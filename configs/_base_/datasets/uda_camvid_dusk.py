# CamVid by day with labels -> CamVid at dusk without, scored on the dusk frames of the test split.
# A sequence is the beginning of a file name. Frames have 480 x 360 pixels.
crop_size = (192, 256)
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(480, 360)),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
target_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', img_scale=(480, 360)),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img']),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='MultiScaleFlipAug',
        img_scale=(480, 360),
        flip=False,
        transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='RandomFlip'),
            dict(type='Normalize', **img_norm_cfg),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ])
]
camvid_test = dict(
    type='CamVidDataset',
    data_root='data/camvid/',
    img_dir='test',
    ann_dir='testannot',
    sequences=['0001TP'],
    pipeline=test_pipeline)
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=0,
    train=dict(
        type='UDADataset',
        source=dict(
            type='CamVidDataset',
            data_root='data/camvid/',
            img_dir='train',
            ann_dir='trainannot',
            sequences=['0006R0', '0016E5'],
            pipeline=source_pipeline),
        target=dict(
            type='CamVidDataset',
            data_root='data/camvid/',
            img_dir='train',
            sequences=['0001TP'],
            pipeline=target_pipeline),
        rare_class_sampling=dict(min_pixels=500, class_temp=0.1, min_crop_ratio=0.5)),
    val=camvid_test,
    test=camvid_test)
