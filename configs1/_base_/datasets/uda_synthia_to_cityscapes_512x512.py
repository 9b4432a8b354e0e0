# SYNTHIA-RAND-CITYSCAPES with labels -> Cityscapes without, crops of 512 x 512. The score is that
# of all 19 classes, three of which SYNTHIA lacks.
_base_ = ['uda_gta_to_cityscapes_512x512.py']
crop_size = (512, 512)
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=(1280, 760), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    dataset=dict(
        source=dict(
            type='SynthiaDataset',
            data_root='data/synthia/',
            data_prefix=dict(img_path='RGB', seg_map_path='GT/LABELS'),
            pipeline=source_pipeline)))
