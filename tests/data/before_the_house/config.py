custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
optimizer = dict(
    type='AdamW',
    lr=0.006,
    weight_decay=0.01,
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0))))
lr_config = dict(
    policy='poly',
    power=1.0,
    min_lr=0.0,
    warmup='linear',
    warmup_iters=2,
    warmup_ratio=1e-06,
    by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=6)
checkpoint_config = dict(
    by_epoch=False, interval=4, max_keep_ckpts=-1, create_symlink=False)
evaluation = dict(interval=2, metric='mIoU')
log_config = dict(interval=3, hooks=[dict(type='ProgressLoggerHook')])
report = False
log_level = 'INFO'
seed = 3
load_from = None
resume_from = None
workflow = [('train', 1)]
dist_params = dict(backend='gloo')
model = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='FoundationBackbone',
        model='convnext_atto',
        layers=[0, 1, 2, 3],
        model_args=dict(
            depths=[1, 1, 1, 1], dims=[4, 4, 8, 8], ls_init_value=None),
        norm=False,
        drop_path_rate=0.1),
    decode_head=dict(
        type='DAFormerHead',
        in_channels=[4, 4, 8, 8],
        in_index=[0, 1, 2, 3],
        channels=8,
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=dict(type='BN', requires_grad=True),
        align_corners=False,
        decoder_params=dict(
            embed_dims=4,
            embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            fusion_cfg=dict(
                type='aspp',
                sep=True,
                dilations=(1, 3),
                pool=False,
                act_cfg=dict(type='ReLU'),
                norm_cfg=dict(type='BN', requires_grad=True))),
        loss_decode=dict(
            type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=0,
    train=dict(
        type='UDADataset',
        source=dict(
            type='GTADataset',
            data_root='data/gta',
            img_dir='images',
            ann_dir='labels',
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='LoadAnnotations'),
                dict(type='Resize', img_scale=(64, 32)),
                dict(type='RandomCrop', crop_size=(32, 32)),
                dict(type='RandomFlip', prob=0.5),
                dict(
                    type='Normalize',
                    mean=[123.675, 116.28, 103.53],
                    std=[58.395, 57.12, 57.375],
                    to_rgb=True),
                dict(type='Pad', size=(32, 32), pad_val=0, seg_pad_val=255),
                dict(type='DefaultFormatBundle'),
                dict(type='Collect', keys=['img', 'gt_semantic_seg'])
            ]),
        target=dict(
            type='CityscapesDataset',
            data_root='data/cityscapes',
            img_dir='leftImg8bit/train',
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='Resize', img_scale=(64, 32)),
                dict(type='RandomCrop', crop_size=(32, 32)),
                dict(type='RandomFlip', prob=0.5),
                dict(
                    type='Normalize',
                    mean=[123.675, 116.28, 103.53],
                    std=[58.395, 57.12, 57.375],
                    to_rgb=True),
                dict(type='Pad', size=(32, 32), pad_val=0, seg_pad_val=255),
                dict(type='DefaultFormatBundle'),
                dict(type='Collect', keys=['img'])
            ]),
        rare_class_sampling=dict(
            min_pixels=16, class_temp=0.1, min_crop_ratio=0.5)),
    val=dict(
        type='CityscapesDataset',
        data_root='data/cityscapes',
        img_dir='leftImg8bit/val',
        ann_dir='gtFine/val',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(
                type='MultiScaleFlipAug',
                img_scale=(64, 32),
                flip=False,
                transforms=[
                    dict(type='Resize', keep_ratio=True),
                    dict(type='RandomFlip'),
                    dict(
                        type='Normalize',
                        mean=[123.675, 116.28, 103.53],
                        std=[58.395, 57.12, 57.375],
                        to_rgb=True),
                    dict(type='ImageToTensor', keys=['img']),
                    dict(type='Collect', keys=['img'])
                ])
        ]),
    test=dict(
        type='CityscapesDataset',
        data_root='data/cityscapes',
        img_dir='leftImg8bit/val',
        ann_dir='gtFine/val',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(
                type='MultiScaleFlipAug',
                img_scale=(64, 32),
                flip=False,
                transforms=[
                    dict(type='Resize', keep_ratio=True),
                    dict(type='RandomFlip'),
                    dict(
                        type='Normalize',
                        mean=[123.675, 116.28, 103.53],
                        std=[58.395, 57.12, 57.375],
                        to_rgb=True),
                    dict(type='ImageToTensor', keys=['img']),
                    dict(type='Collect', keys=['img'])
                ])
        ]))
uda = dict(
    type='SSR',
    alpha=0.99,
    regularizer=dict(
        encoder=dict(
            checkpoint=None,
            input_size=32,
            encoder_args=dict(
                embed_dim=8,
                depth=2,
                num_heads=2,
                window_size=2,
                global_attn_indexes=[1],
                out_chans=8))),
    imnet_feature_dist_lambda=0.5,
    mask_mode='separatetrgaug',
    mask_lambda=1,
    mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=8),
    imnet_feature_dist_scale_min_ratio=0.1,
    imnet_feature_dist_classes=[0, 2, 5, 8, 10, 13],
    pseudo_threshold=0.0528,
    pseudo_weight_ignore_top=2,
    pseudo_weight_ignore_bottom=3)
optimizer_config = None
