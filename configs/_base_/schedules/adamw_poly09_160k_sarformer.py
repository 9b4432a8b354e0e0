# SARFormer's schedule: decay on all weights, no warm-up, short steps by clipping. The batch of 4 is
# that of 4 GPUs with one image each.
optimizer = dict(type='AdamW', lr=2e-5, betas=(0.9, 0.999), weight_decay=0.05)
optimizer_config = dict(grad_clip=dict(max_norm=0.01, norm_type=2))
lr_config = dict(policy='poly', power=0.9, min_lr=0.0, by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=160000)
checkpoint_config = dict(by_epoch=False, interval=40000, max_keep_ckpts=2)
evaluation = dict(interval=5000, metric='mIoU', save_best='mIoU')
