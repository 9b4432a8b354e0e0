_base_ = ['../../configs/demo/daformer.py']
custom_imports = dict(imports=['mmseg_ssr', 'table_dataset'], allow_failed_imports=False)
model = dict(decode_head=dict(num_classes=4))
drives = dict(type='TableDataset', data_root='data/drives')
val = dict(_delete_=True, **drives, weather='rain', pipeline={{_base_.test_pipeline}})
data = dict(
    train=dict(
        source=dict(_delete_=True, **drives, weather='clear', pipeline={{_base_.source_pipeline}}),
        target=dict(_delete_=True, **drives, weather='rain', pipeline={{_base_.target_pipeline}})),
    val=val,
    test=val)
name = 'table_dataset'
