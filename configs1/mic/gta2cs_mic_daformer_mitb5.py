# MIC on DAFormer, GTA -> Cityscapes (arXiv 2212.01322). Blocks are half as large as in the paper
# because images are at half resolution.
_base_ = ['../daformer/gta2cs_daformer_mitb5.py']
model = dict(
    mask_mode='separatetrgaug',
    mask_alpha='same',
    mask_pseudo_threshold='same',
    mask_lambda=1,
    mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=32))
