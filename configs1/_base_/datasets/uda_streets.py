# Streets, the embedded data: the "game" domain with labels -> the "camera" domain without.
_base_ = ['uda_gta_to_cityscapes_512x512.py']
crop_size = (128, 128)
data_preprocessor = dict(size=crop_size)
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=(256, 128), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
target_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(256, 128), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(256, 128), keep_ratio=True),
    dict(type='PackSegInputs'),
]
scored_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(256, 128), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
# For tools/test.py --tta: the mean of the image and its mirror image.
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='TestTimeAug', transforms=[
        [dict(type='Resize', scale=(256, 128), keep_ratio=True)],
        [dict(type='RandomFlip', prob=0.), dict(type='RandomFlip', prob=1.)],
        [dict(type='LoadAnnotations')],
        [dict(type='PackSegInputs')],
    ]),
]
train_dataloader = dict(
    num_workers=1,
    dataset=dict(
        source=dict(data_root='data/streets/gta/', pipeline=source_pipeline),
        target=dict(data_root='data/streets/cityscapes/', pipeline=target_pipeline),
        rare_class_sampling=dict(min_pixels=50, class_temp=0.5),
        length=2400))  # iterations x batch size
val_dataloader = dict(
    num_workers=1,
    dataset=dict(data_root='data/streets/cityscapes/', pipeline=scored_pipeline))
test_dataloader = val_dataloader
