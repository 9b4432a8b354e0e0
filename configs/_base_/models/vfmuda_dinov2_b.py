# VFM-UDA: DINOv2 ViT-B/14 and two transposed convolutions (arXiv 2406.09896). Crops of 1024 pixels
# are enlarged to 1120, which is 80 x 80 patches.
model = dict(
    type='EncoderDecoder',
    pretrained='pretrained/dinov2_vitb14_pretrain.pth',
    backbone=dict(
        type='FoundationBackbone', model='vit_base_patch14_dinov2.lvd142m', input_scale=1.1),
    decode_head=dict(
        type='UpscaleHead',
        in_channels=768,
        num_classes=19,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='slide', stride=[512, 512], crop_size=[1024, 1024]))
