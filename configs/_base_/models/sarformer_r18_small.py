# SARFormer on the narrow ResNet-18 of the demo. There is no SAM with a mask decoder of this size.
# Its regions are clusters of the map of a small encoder.
_base_ = ['mask2former_r18_small.py']
model = dict(
    type='SARFormer',
    regions=dict(type='mini'),
    decode_head=dict(
        type='SARFormerHead', pool_from='mask_features', first_attention='predicted'))
