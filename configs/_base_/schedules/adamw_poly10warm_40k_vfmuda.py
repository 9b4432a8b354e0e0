# VFM-UDA: head at 5e-5 * sqrt(batch size), encoder at a tenth of it, weight decay on everything.
_base_ = ['adamw_poly10warm_40k.py']
optimizer = dict(
    lr=1.414e-05,  # a batch of 8: 2 on each of 4 GPUs, or 8 on one
    paramwise_cfg=dict(custom_keys=dict(_delete_=True, head=dict(lr_mult=10.0))))
lr_config = dict(warmup_ratio=1e-3)
