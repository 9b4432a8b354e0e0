# A few minutes from scratch. Without pretrained weights to keep, the rate is higher, and the same
# everywhere.
_base_ = ['adamw_poly10warm_40k.py']
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    paramwise_cfg=dict(_delete_=True, custom_keys=dict(norm=dict(decay_mult=0.0))))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=51, by_epoch=False),
    dict(type='PolyLR', power=1.0, eta_min=0.0, begin=0, end=1201, by_epoch=False),
]
train_cfg = dict(max_iters=1200, val_interval=400)
default_hooks = dict(checkpoint=dict(interval=400))
