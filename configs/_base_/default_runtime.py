# Logging, seeds and settings of mmcv's runner.
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
log_config = dict(
    interval=50,
    hooks=[
        dict(type='ProgressLoggerHook', by_epoch=False),
        dict(type='TensorboardLoggerHook', by_epoch=False),
    ])
log_level = 'INFO'
load_from = None
resume_from = None
workflow = [('train', 1)]
# Autotuned kernels differ from run to run. They are off, so that a seed reproduces a run.
cudnn_benchmark = False
seed = 0
dist_params = dict(backend='nccl')
