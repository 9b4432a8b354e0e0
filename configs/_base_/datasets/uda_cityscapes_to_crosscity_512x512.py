# Cityscapes with labels -> a city of NTHU Cross-City without. The classes are the 13 scored ones.
# The source's wall, fence, pole, terrain, truck and train are ignored.
_base_ = ['uda_gta_to_cityscapes_512x512.py']  # the target's pipelines are those of Cityscapes
crop_size = (512, 512)
classes = [
    'road', 'sidewalk', 'building', 'traffic light', 'traffic sign', 'vegetation', 'sky', 'person',
    'rider', 'car', 'bus', 'motorcycle', 'bicycle']
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
cityscapes_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(1024, 512)),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
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
