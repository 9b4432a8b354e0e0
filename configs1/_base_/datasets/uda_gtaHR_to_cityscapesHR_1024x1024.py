# GTA with labels -> Cityscapes without, full resolution, crops of 1024 x 1024.
_base_ = ['uda_gta_to_cityscapes_512x512.py']
crop_size = (1024, 1024)
data_preprocessor = dict(size=crop_size)
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=(2560, 1440), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
target_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 1024), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 1024), keep_ratio=True),
    dict(type='PackSegInputs'),
]
scored_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 1024), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
# For tools/test.py --tta: the mean of the image and its mirror image.
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='TestTimeAug', transforms=[
        [dict(type='Resize', scale=(2048, 1024), keep_ratio=True)],
        [dict(type='RandomFlip', prob=0.), dict(type='RandomFlip', prob=1.)],
        [dict(type='LoadAnnotations')],
        [dict(type='PackSegInputs')],
    ]),
]
train_dataloader = dict(
    dataset=dict(
        source=dict(pipeline=source_pipeline),
        target=dict(
            pipeline=target_pipeline,
            # Margins of the full image (top, bottom, left, right): artifacts and ego vehicle.
            crop_pseudo_margins=[30, 240, 30, 30]),
        # A crop has four times as many pixels as DAFormer's, and so must the rare class in it.
        rare_class_sampling=dict(min_crop_ratio=2.0)))
val_dataloader = dict(dataset=dict(pipeline=scored_pipeline))
test_dataloader = val_dataloader
