# Source-only: trained on Cityscapes alone, tested on ACDC.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/cityscapes_to_acdc_512x512.py',
]
name = 'cs2acdc_source_only_mitb5'
