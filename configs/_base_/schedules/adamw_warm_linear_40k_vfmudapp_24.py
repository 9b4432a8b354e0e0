# VFM-UDA++ with a ViT of 24 blocks (L). See adamw_warm_linear_40k_vfmudapp_12.py.
_base_ = ['adamw_warm_linear_40k_vfmudapp_12.py']
optimizer = dict(
    paramwise_cfg=dict(
        custom_keys=dict(
            _delete_=True,
            **{f'backbone.vit.blocks.{i}.': dict(lr_mult=0.1 * 0.9 ** (23 - i))
               for i in range(24)},
            **{f'backbone.vit.{name}': dict(lr_mult=0.1 * 0.9 ** 24)
               for name in ('patch_embed', 'pos_embed', 'cls_token')})))
