# Source-only: trained on SYNTHIA alone, tested on Cityscapes over 19, 16 and 13 classes.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/synthia_to_cityscapes_512x512.py',
]
name = 'synthia2cs_source_only_mitb5'
