# Mask2Former on a ViT-Adapter of BEiT-L. It has no second head.
_base_ = ['mask2former_beit_adapter_base.py']
model = dict(
    backbone=dict(
        embed_dims=1024,
        num_layers=24,
        num_heads=16,
        drop_path_rate=0.2,
        init_values=1e-6,
        deform_num_heads=16,
        interaction_indexes=[[0, 5], [6, 11], [12, 17], [18, 23]],
        with_cp=True,
        pretrained='pretrained/beit_large_patch16_224_pt22k_ft22k.pth'),
    decode_head=dict(
        in_channels=[1024, 1024, 1024, 1024],
        feat_channels=1024,
        pixel_decoder=dict(num_heads=32, feedforward_channels=4096),
        transformer_decoder=dict(num_heads=32, feedforward_channels=4096)),
    auxiliary_head=None)
