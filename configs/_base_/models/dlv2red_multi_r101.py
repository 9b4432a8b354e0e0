# DeepLabV2 with a second classifier on the third stage, the 'multi-level' network of AdaptSegNet,
# ADVENT and MaxSquare. They train batches of one image, so batch norm keeps its scale and shift.
_base_ = ['dlv2red_r101.py']
norm_cfg = dict(type='BN', requires_grad=False)
model = dict(
    backbone=dict(norm_cfg=norm_cfg),
    auxiliary_head=dict(
        type='DLV2Head',
        in_channels=1024,
        in_index=2,
        dilations=(6, 12),
        num_classes=19,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.1)))
