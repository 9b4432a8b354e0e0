# Minutes on one core of a CPU, from ImageNet weights.
optimizer = dict(
    type='AdamW',
    lr=1e-3,
    betas=(0.9, 0.999),
    weight_decay=0.01,
    paramwise_cfg=dict(
        custom_keys=dict(head=dict(lr_mult=5.0), norm=dict(decay_mult=0.0))))
lr_config = dict(
    policy='poly',
    power=1.0,
    min_lr=0.0,
    warmup='linear',
    warmup_iters=50,
    warmup_ratio=1e-6,
    by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=500)
checkpoint_config = dict(by_epoch=False, interval=250, max_keep_ckpts=1)
evaluation = dict(interval=500, metric='mIoU')
