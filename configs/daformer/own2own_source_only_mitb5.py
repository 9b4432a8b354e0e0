# Source-only on your own data, see docs/own_data.md.
_base_ = [
    '../_base_/supervised_daformer_mitb5.py',
    '../_base_/datasets/own_source_512x512.py',
]
model = dict(decode_head=dict(num_classes=7))
name = 'own2own_source_only_mitb5'
