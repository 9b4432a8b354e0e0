_base_ = ['../../configs/demo/daformer.py']
custom_imports = dict(imports=['mmseg_ssr', 'diversity'], allow_failed_imports=False)
uda = dict(loss_terms=[dict(type='Diversity', weight=0.1)])
name = 'diversity'
