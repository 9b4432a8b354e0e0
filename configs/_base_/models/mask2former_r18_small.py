# Mask2Former on the narrow ResNet-18 of the demo.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='Mask2Former',
    pretrained=None,
    backbone=dict(
        type='ResNetV1c',
        depth=18,
        base_channels=32,
        stem_channels=32,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        strides=(1, 2, 2, 2),
        dilations=(1, 1, 1, 1),
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch'),
    decode_head=dict(
        type='Mask2FormerHead',
        in_channels=[32, 64, 128, 256],
        in_index=[0, 1, 2, 3],
        num_classes=19,
        feat_channels=64,
        num_queries=40,
        pixel_decoder=dict(
            num_layers=2, num_heads=4, num_points=4, feedforward_channels=128, num_groups=32),
        transformer_decoder=dict(num_layers=3, num_heads=4, feedforward_channels=128),
        losses=dict(num_points=1000)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
