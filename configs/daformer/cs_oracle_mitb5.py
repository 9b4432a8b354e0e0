# Oracle (target-only): trained on Cityscapes with its labels. The upper bound.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/cityscapes_512x512.py',
]
name = 'cs_oracle_mitb5'
