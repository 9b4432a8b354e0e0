# VFM-UDA++ with DINOv2 ViT-L/14.
_base_ = ['vfmudapp_dinov2_b.py']
model = dict(
    pretrained='pretrained/dinov2_large_with_vitadapter_pretraining_in1k_step50000.ckpt',
    backbone=dict(model='vit_large_patch14_dinov2.lvd142m'),
    decode_head=dict(in_channels=[1024, 1024, 1024, 1024]))
