# VFM-UDA++ with a ViT of 12 blocks (S, B): 5e-5 * sqrt(batch size) for decoder, adapter and
# distance head. Block i of n learns at 0.1 * 0.9^(n - 1 - i) of it, the embeddings at 0.1 * 0.9^n.
# Weight decay on everything. The rate warms up, then jumps down to the line that ends at 0.
optimizer = dict(
    type='AdamW',
    lr=5e-5 * 8 ** 0.5,  # a batch of 8: 2 on each of 4 GPUs, or 8 on one
    betas=(0.9, 0.999),
    weight_decay=0.01,
    paramwise_cfg=dict(
        custom_keys=dict(
            **{f'backbone.vit.blocks.{i}.': dict(lr_mult=0.1 * 0.9 ** (11 - i))
               for i in range(12)},
            **{f'backbone.vit.{name}': dict(lr_mult=0.1 * 0.9 ** 12)
               for name in ('patch_embed', 'pos_embed', 'cls_token')})))
lr_config = dict(
    policy='WarmupThenLinear', warmup_iters=1500, warmup_ratio=1e-3, by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=40000)
checkpoint_config = dict(by_epoch=False, interval=2000, max_keep_ckpts=2)
evaluation = dict(interval=1000, metric='mIoU')
