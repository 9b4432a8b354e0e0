# MIC on HRDA, GTA -> Cityscapes (arXiv 2212.01322). Blocks of 64 pixels at full resolution.
_base_ = ['../hrda/gta2cs_hrda_mitb5.py']
model = dict(
    mask_mode='separatetrgaug',
    mask_alpha='same',
    mask_pseudo_threshold='same',
    mask_lambda=1,
    mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=64))
