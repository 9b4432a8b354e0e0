# SSR on this DAFormer. One attention head has up to 64 channels, as in the paper.
_base_ = ['daformer_camvid.py']
uda = dict(
    type='SSR',
    regularizer=dict(
        stages=[0, 1, 2, 3],
        num_heads=[1, 1, 2, 5],
        encoder=dict(variant='mini', checkpoint='shipped', input_size=256)))
