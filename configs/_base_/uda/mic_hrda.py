# MIC on HRDA: blocks of 64 pixels at full resolution.
_base_ = ['mic.py']
uda = dict(
    pseudo_weight_ignore_top=0,
    pseudo_weight_ignore_bottom=0,
    mask_generator=dict(mask_block_size=64))
