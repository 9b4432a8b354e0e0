_base_ = ['../../configs/demo/daformer.py']
custom_imports = dict(imports=['mmseg_ssr', 'gray_view'], allow_failed_imports=False)
uda = dict(views=[dict(type='GrayView', weight=0.5)])
name = 'gray_view'
