"""A config of mmseg 0.x in the words of mmseg 1.x."""
import copy
from typing import Any, Dict, Mapping

from ..errors import ConfigError
from .data import Loading, metric
from .pipeline import views
from .schedule import schedulers

#: Classes that mmseg 1.x lacks.
WITHOUT_COUNTERPART = ('Mask2Former', 'SARFormer')
#: Optimizers that mmseg 0.x gets with one kernel for all parameters, as its training builds them.
#: The kernel decides about the last bits.
FUSED = ('Adam', 'AdamW', 'SGD')


def to_mmseg1(cfg: Mapping[str, Any]) -> Dict[str, Any]:
    """Convert a config of this package for mmseg 0.x.

    The result trains the same method on the same data: weights, views, losses and rates are the
    same. It logs, saves and scores as mmengine does.

    Args:
        cfg: the config with its bases resolved. It stays unchanged.

    Raises:
        ConfigError: a part of it has no counterpart.
    """
    cfg = copy.deepcopy(dict(cfg.items()))
    for key in ('momentum_config', 'custom_hooks'):
        if cfg.get(key):
            raise ConfigError(f'{key} has no counterpart in mmseg 1.x: write it by hand')
    for key in ('model', 'data', 'optimizer'):
        if not isinstance(cfg.get(key), Mapping):
            raise ConfigError(f'{key} must be a dict, got {cfg.get(key)!r}')
    for key in ('model', 'uda'):
        if cfg.get(key) and not (isinstance(cfg[key], Mapping) and 'type' in cfg[key]):
            raise ConfigError(f"{key} must be a dict(type=...), got {cfg[key]!r}")
    if not cfg['model']:
        raise ConfigError('model is empty')
    max_iters = (cfg.get('runner') or {}).get('max_iters') or cfg.get('total_iters')
    if not max_iters:
        raise ConfigError('runner.max_iters is missing: only trainings in iterations are converted')
    data = cfg['data']
    loading = Loading(data, int(max_iters) * int(data.get('samples_per_gpu') or 2),
                      cfg.get('seed'))
    found: Dict[str, Any] = dict(
        default_scope='mmseg',
        custom_imports=dict(imports=['mmseg_ssr'], allow_failed_imports=False),
        model=model(cfg, loading.preprocessor, int(max_iters)),
        train_dataloader=loading.train)
    if cfg.get('uda') or cfg['model'].get('type') == 'SSREncoderDecoder':
        found['custom_hooks'] = [dict(type='TrainingStateHook')]
    found.update(_training(cfg, int(max_iters)))
    found.update(_testing(cfg, loading, int(max_iters)))
    found.update(_runtime(cfg))
    return found


def model(cfg: Mapping[str, Any], preprocessor: Dict[str, Any], max_iters: int) -> Dict[str, Any]:
    """Convert ``model`` and ``uda`` to one ``model``."""
    student = dict(cfg['model'])
    if student.get('type') in WITHOUT_COUNTERPART:
        raise ConfigError(f'model.type {student["type"]!r} has no counterpart in mmseg 1.x')
    for key in ('train_cfg', 'test_cfg'):
        if cfg.get(key) is not None:
            student.setdefault(key, cfg[key])
    if student.get('train_cfg') is None:
        student['train_cfg'] = {}
    if not cfg.get('uda'):
        return dict(student, data_preprocessor=preprocessor)
    method = dict(cfg['uda'], max_iters=max_iters)
    if cfg.get('seed') is not None:
        method.setdefault('seed', cfg['seed'])
    kind = method.pop('type')
    return dict(type=kind, model=student, data_preprocessor=preprocessor, **method)


def _training(cfg: Mapping[str, Any], max_iters: int) -> Dict[str, Any]:
    """Convert optimizer, schedule and length."""
    optimizer = dict(cfg['optimizer'])
    wrapper = dict(type='OptimWrapper', optimizer=optimizer)
    if 'constructor' in optimizer:
        raise ConfigError(f'optimizer.constructor {optimizer["constructor"]!r} has no counterpart '
                          'here: write optim_wrapper.constructor by hand')
    if optimizer.get('paramwise_cfg'):
        wrapper['paramwise_cfg'] = optimizer.pop('paramwise_cfg')
    if optimizer['type'] in FUSED and 'foreach' not in optimizer:
        optimizer.setdefault('fused', True)
    clip = (cfg.get('optimizer_config') or {}).get('grad_clip')
    if clip:
        wrapper['clip_grad'] = clip
    interval = int((cfg.get('evaluation') or {}).get('interval') or max(1, max_iters // 10))
    return dict(
        optim_wrapper=wrapper, param_scheduler=schedulers(cfg.get('lr_config'), max_iters),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=interval))


def _testing(cfg: Mapping[str, Any], loading: Loading, max_iters: int) -> Dict[str, Any]:
    """Convert the loaders and scores of validation and test."""
    found: Dict[str, Any] = {}
    for split, loop in (('val', 'ValLoop'), ('test', 'TestLoop')):
        if split in loading.tests:
            found.update({f'{split}_dataloader': loading.tests[split],
                          f'{split}_evaluator': metric(cfg.get('evaluation')),
                          f'{split}_cfg': dict(type=loop)})
    if 'test' in loading.tests:
        steps = loading.tests['test']['dataset']['pipeline']
        found['test_pipeline'] = [step for step in steps if step['type'] != 'LoadAnnotations']
        several = views(cfg['data']['test']['pipeline'], 'data.test.pipeline')
        if several:
            found.update(tta_pipeline=several, tta_model=dict(type='SegTTAModel'))
    return found


def _runtime(cfg: Mapping[str, Any]) -> Dict[str, Any]:
    """Convert logs, checkpoints and seeds."""
    saving = cfg.get('checkpoint_config') or {}
    checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=saving.get('interval', 2000),
                      max_keep_ckpts=saving.get('max_keep_ckpts', 2))
    if (cfg.get('evaluation') or {}).get('save_best'):
        checkpoint['save_best'] = cfg['evaluation']['save_best']
    backends = [dict(type='LocalVisBackend')]
    found: Dict[str, Any] = dict(
        default_hooks=dict(
            timer=dict(type='IterTimerHook'),
            logger=dict(type='LoggerHook', log_metric_by_epoch=False,
                        interval=(cfg.get('log_config') or {}).get('interval', 50)),
            param_scheduler=dict(type='ParamSchedulerHook'), checkpoint=checkpoint,
            sampler_seed=dict(type='DistSamplerSeedHook'),
            visualization=dict(type='SegVisualizationHook')),
        log_processor=dict(by_epoch=False), log_level=cfg.get('log_level') or 'INFO',
        env_cfg=dict(cudnn_benchmark=bool(cfg.get('cudnn_benchmark')),
                     dist_cfg=dict(backend=(cfg.get('dist_params') or {}).get('backend', 'nccl'))),
        vis_backends=backends,
        visualizer=dict(type='SegLocalVisualizer', vis_backends=backends, name='visualizer'),
        load_from=cfg.get('resume_from') or cfg.get('load_from'),
        resume=bool(cfg.get('resume_from')))
    if cfg.get('uda'):
        found['model_wrapper_cfg'] = dict(type='SelfTrainingParallel')
    if cfg.get('seed') is not None:
        found['randomness'] = dict(seed=cfg['seed'], deterministic=bool(cfg.get('deterministic')))
    return found
