# Source-only: trained on Cityscapes alone, tested on Dark Zurich. There is no oracle, because Dark
# Zurich's training images have no labels.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/cityscapes_to_darkzurich_512x512.py',
]
name = 'cs2darkzurich_source_only_mitb5'
