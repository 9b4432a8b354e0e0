# Source-only: trained on GTA alone, tested on Cityscapes. The lower bound.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/gta_to_cityscapes_512x512.py',
]
name = 'gta2cs_source_only_mitb5'
