# Cityscapes with labels -> a city of NTHU Cross-City without, one whole image each: 1024 x 512. The
# classes are the 13 scored ones. Labels of the others are ignored.
_base_ = ['uda_gta_to_cityscapes_whole_flip.py']  # the target's pipelines are those of Cityscapes
classes = [
    'road', 'sidewalk', 'building', 'traffic light', 'traffic sign', 'vegetation', 'sky', 'person',
    'rider', 'car', 'bus', 'motorcycle', 'bicycle']
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
cityscapes_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(1024, 512)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
city_test = dict(
    type='CrossCityDataset',
    data_root='data/NTHU_Datasets/Rome/',
    img_dir='Images/Test',
    ann_dir='Labels/Test',
    classes=classes)
data = dict(
    train=dict(
        source=dict(
            type='CityscapesDataset',
            data_root='data/cityscapes/',
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            classes=classes,
            pipeline=cityscapes_train_pipeline),
        target=dict(
            type='CrossCityDataset',
            data_root='data/NTHU_Datasets/Rome/',
            img_dir='Images/Train',
            classes=classes)),
    val=city_test,
    test=city_test)
