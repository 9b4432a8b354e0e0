# DeepLabV2's SGD as in domain adaptation: heads at ten times the rate, decay with power 0.9.
optimizer = dict(
    type='SGD',
    lr=2.5e-4,
    momentum=0.9,
    weight_decay=5e-4,
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0))))
lr_config = dict(policy='poly', power=0.9, min_lr=0.0, by_epoch=False)
checkpoint_config = dict(by_epoch=False, interval=2000, max_keep_ckpts=2)
evaluation = dict(interval=10000, metric='mIoU')
