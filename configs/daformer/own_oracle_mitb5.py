# Oracle on your own data: trained on target images with labels, see docs/own_data.md.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/own_target_512x512.py',
]
model = dict(decode_head=dict(num_classes=7))
name = 'own_oracle_mitb5'
