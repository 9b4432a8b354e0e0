# SSR on this DAFormer, with the TinyViT of MobileSAM. One attention head has up to 64 channels, as
# in the paper.
_base_ = ['daformer_camvid.py']
uda = dict(
    type='SSR',
    regularizer=dict(
        stages=[0, 1, 2, 3],
        num_heads=[1, 1, 2, 5],
        encoder=dict(variant='vit_t', checkpoint='pretrained/mobile_sam.pt', input_size=256)))
