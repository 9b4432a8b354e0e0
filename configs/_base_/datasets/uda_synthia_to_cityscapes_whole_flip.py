# SYNTHIA-RAND-CITYSCAPES with labels -> Cityscapes without, one whole image each: 1280 x 760 and
# 1024 x 512. The classes are the 16 of SYNTHIA. Labels of the others are ignored, in the score too.
_base_ = ['uda_gta_to_cityscapes_whole_flip.py']
classes = [
    'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign',
    'vegetation', 'sky', 'person', 'rider', 'car', 'bus', 'motorcycle', 'bicycle']
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
synthia_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(1280, 760)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
cityscapes_16 = dict(type='CityscapesSynthiaDataset', classes=classes)
data = dict(
    train=dict(
        source=dict(
            type='SynthiaDataset',
            data_root='data/synthia/',
            img_dir='RGB',
            ann_dir='GT/LABELS',
            classes=classes,
            pipeline=synthia_train_pipeline),
        target=dict(classes=classes)),
    val=cityscapes_16,
    test=cityscapes_16)
