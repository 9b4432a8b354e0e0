# AdamW with ten times the rate for the head and no weight decay on norms. The rate warms up
# linearly, then decays linearly.
optimizer = dict(
    type='AdamW',
    lr=6e-05,
    betas=(0.9, 0.999),
    weight_decay=0.01,
    paramwise_cfg=dict(
        custom_keys=dict(
            head=dict(lr_mult=10.0),
            pos_block=dict(decay_mult=0.0),
            norm=dict(decay_mult=0.0))))
lr_config = dict(
    policy='poly',
    power=1.0,
    min_lr=0.0,
    warmup='linear',
    warmup_iters=1500,
    warmup_ratio=1e-6,
    by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=40000)
checkpoint_config = dict(by_epoch=False, interval=2000, max_keep_ckpts=2)
evaluation = dict(interval=4000, metric='mIoU')
