# MIC on DAFormer. Blocks are half as large as in the paper because images are at half resolution.
_base_ = ['daformer.py']
uda = dict(
    mask_mode='separatetrgaug',
    mask_alpha='same',
    mask_pseudo_threshold='same',
    mask_lambda=1,
    mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=32))
