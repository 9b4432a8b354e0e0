_base_ = ['../../configs/demo/daformer_ssr.py']
custom_imports = dict(imports=['mmseg_ssr', 'resnet_encoder'], allow_failed_imports=False)
uda = dict(regularizer=dict(encoder=dict(
    _delete_=True, type='resnet', depth=18, checkpoint=None)))  # random weights: only to try it
name = 'resnet_encoder'
