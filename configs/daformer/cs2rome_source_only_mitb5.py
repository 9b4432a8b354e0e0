# Source-only: trained on Cityscapes alone, tested on Rome of NTHU Cross-City, 13 classes.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/cityscapes_to_crosscity_512x512.py',
]
model = dict(decode_head=dict(num_classes=13))
name = 'cs2rome_source_only_mitb5'
