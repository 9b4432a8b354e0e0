# DAFormer + SSR on Streets. The encoder is the package's SAM of a million parameters, trained on
# street scenes in many looks, but not in the look of the target domain.
_base_ = ['daformer.py']
model = dict(
    type='SSR',
    regularizer=dict(
        stages=[0, 1, 2, 3],
        encoder=dict(variant='mini', checkpoint='shipped', input_size=128)))
