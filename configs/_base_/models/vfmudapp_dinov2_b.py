# VFM-UDA++: DINOv2 ViT-B/14 with a ViT-Adapter, and a decoder that goes up its pyramid
# (arXiv 2503.10685). Crops of 1024 pixels are enlarged to 1120, which is 80 x 80 patches.
norm_cfg = dict(type='SyncBN', momentum=0.01, requires_grad=True)
model = dict(
    type='EncoderDecoder',
    # DINOv2 with an adapter that is pre-trained on ImageNet, as published. DINOv2's own file,
    # pretrained/dinov2_vitb14_pretrain.pth, loads too. The adapter then starts untrained.
    pretrained='pretrained/dinov2_base_with_vitadapter_pretraining_in1k_step50000.ckpt',
    backbone=dict(
        type='DINOv2Adapter', model='vit_base_patch14_dinov2.lvd142m', input_size=1120,
        batch_norm_cfg=norm_cfg),
    decode_head=dict(
        type='PyramidUpscaleHead',
        in_channels=[768, 768, 768, 768],
        in_index=[0, 1, 2, 3],
        num_classes=19,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(
        mode='slide', stride=[512, 512], crop_size=[1024, 1024], average='probability'))
