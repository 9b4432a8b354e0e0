# Oracle (target-only): trained on ACDC with its labels.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/acdc_512x512.py',
]
name = 'acdc_oracle_mitb5'
