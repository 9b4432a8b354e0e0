# ConvNeXt-B (arXiv 2201.03545, ImageNet-22k) and DAFormer's decoder.
_base_ = ['daformer_mitb5.py']
model = dict(
    pretrained='pretrained/convnext_base_22k_224.pth',
    backbone=dict(
        _delete_=True,
        type='FoundationBackbone',
        model='convnext_base.fb_in22k',
        layers=(0, 1, 2, 3),
        drop_path_rate=0.1),
    decode_head=dict(in_channels=[128, 256, 512, 1024]))
