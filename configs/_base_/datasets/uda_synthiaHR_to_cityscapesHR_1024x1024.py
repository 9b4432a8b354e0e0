# SYNTHIA-RAND-CITYSCAPES with labels -> Cityscapes without, doubled resolution, crops of
# 1024 x 1024. The target is the same as for GTA. It is scored over all 19 classes, and over
# SYNTHIA's 16 and 13.
_base_ = ['uda_gtaHR_to_cityscapesHR_1024x1024.py']
crop_size = (1024, 1024)
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
synthia_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(2560, 1520)),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
data = dict(
    train=dict(
        source=dict(
            type='SynthiaDataset',
            data_root='data/synthia/',
            img_dir='RGB',
            ann_dir='GT/LABELS',
            pipeline=synthia_train_pipeline)),
    val=dict(type='CityscapesSynthiaDataset'),
    test=dict(type='CityscapesSynthiaDataset'))
