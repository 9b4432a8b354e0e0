# Logging, checkpoints, seeds and processes of mmengine's runner.
default_scope = 'mmseg'
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
# Checkpoints get the teacher and all else that a resumed training needs.
custom_hooks = [dict(type='TrainingStateHook')]
# With several processes: the step averages gradients and statistics itself.
model_wrapper_cfg = dict(type='SelfTrainingParallel')
# Autotuned kernels differ from run to run. They are off, so that a seed reproduces a run.
env_cfg = dict(cudnn_benchmark=False, dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0, deterministic=False)
log_processor = dict(by_epoch=False)
log_level = 'INFO'
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends, name='visualizer')
load_from = None
resume = False
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
