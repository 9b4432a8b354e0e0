"""Every key of a config is one that somebody reads: a misspelled one is an error, not a default."""
import difflib
import logging
from typing import Any, Optional, Sequence, Tuple, Union

from mmcv import Config
from mmcv.runner import HOOKS, RUNNERS
from mmseg.datasets.builder import DATASETS

from ...errors import ConfigError, nearest
from .components import check_arguments, check_kinds, check_plain, check_value, shown
from .keys import TOP_LEVEL
from .trackers import check_trackers
from .types import fits
from .values import dataset_configs, head_classes, steps_of

#: Names that other projects have at the top.
ALSO_KNOWN = set('''
    exp fp16 names models norm_cfg act_cfg model_cfg data_cfg gpu_ids checkpoint_file'''.split())
#: What mmseg's data sets measure; 'cityscapes' is the benchmark's own script.
METRICS = ('mIoU', 'mDice', 'mFscore', 'cityscapes')


def validate(cfg: Config) -> None:
    """Check names, keys and class counts of ``cfg``.

    Raises:
        ConfigError: names the file, the path of the key and the nearest valid one.
    """
    for key in cfg.keys():
        if key in TOP_LEVEL or key in ALSO_KNOWN:
            continue
        close = difflib.get_close_matches(key, TOP_LEVEL, 1, 0.8)
        close += [name for name in sorted(TOP_LEVEL) if sorted(name) == sorted(key)]  # 'sede'
        if close:
            raise ConfigError(f"{cfg.filename}: unknown key {key}, did you mean '{close[0]}'?")
    for key in ('model', 'data'):
        if not isinstance(cfg.get(key), dict):
            raise ConfigError(f'{cfg.filename}: no {key} = dict(...) in it')
    try:
        check_kinds(cfg, TOP_LEVEL, '')
        for key in cfg.keys():
            check_plain(cfg[key], key)
            if key in TOP_LEVEL:
                check_value(cfg[key], key)
        _check_run_options(cfg)
        _check_lr_config(cfg.get('lr_config'))
        _check_metric((cfg.get('evaluation') or {}).get('metric'))
        _check_normalization(cfg)
        _check_classes(cfg)
        _check_loader(cfg.data)
        _check_training_keys(cfg)
        _check_report(cfg.get('report', True))
        check_trackers(cfg)
    except ConfigError as error:
        raise ConfigError(f'{cfg.filename}: {error}') from None


def _check_run_options(cfg: Config) -> None:
    if cfg.get('seed') is not None and cfg.seed < 0:
        raise ConfigError(f'seed must be at least 0, got {cfg.seed}')
    runner = (cfg.get('runner') or {}).get('type')
    if runner and runner not in RUNNERS:
        raise ConfigError(f'unknown runner.type {shown(runner)}'
                          f'{nearest(runner, RUNNERS.module_dict)}')
    level = cfg.get('log_level') or 'INFO'
    if not isinstance(level, (str, int)) or (
            isinstance(level, str) and not isinstance(logging.getLevelName(level), int)):
        raise ConfigError(f"log_level must be one of 'DEBUG', 'INFO', 'WARNING', 'ERROR', got "
                          f'{shown(level)}')


def _check_lr_config(lr_config: Optional[dict]) -> None:
    if not lr_config:
        return
    policy = lr_config.get('policy')
    if not isinstance(policy, str):
        raise ConfigError(f"lr_config.policy must be a name such as 'poly', got {shown(policy)}")
    suffix = 'LrUpdaterHook'
    policies = {name[:-len(suffix)].lower(): name for name in HOOKS.module_dict
                if name.endswith(suffix)}
    if policy.lower() not in policies:
        raise ConfigError(f"unknown lr_config.policy '{policy}'{nearest(policy, policies)}")
    check_arguments(lr_config, HOOKS.get(policies[policy.lower()]), 'lr_config', {'policy'})
    if lr_config.get('by_epoch'):
        raise ConfigError('lr_config.by_epoch must be False: trainings are counted in iterations, '
                          'the rate would never change')


def _check_metric(metric: Union[str, Sequence[str], None]) -> None:
    """Now, not at the first evaluation."""
    for name in [metric] if isinstance(metric, str) else metric or []:
        if name not in METRICS:
            raise ConfigError(f'evaluation.metric must be of {", ".join(METRICS)}, got '
                              f'{shown(name)}')


def _check_normalization(cfg: Config) -> None:
    """One model sees all images, and the step takes the source's values for target images too."""
    first: Optional[Tuple[str, dict]] = None
    for path, dataset in dataset_configs(cfg):
        for step in steps_of(dataset.get('pipeline') or []):
            if step['type'] != 'Normalize':
                continue
            for key in ('mean', 'std'):
                if not fits(step[key], Tuple[float, float, float]):
                    raise ConfigError(f'{path}.pipeline, Normalize.{key}: expected three numbers, '
                                      f'red, green and blue, got {shown(step[key])}')
            values = {key: list(map(float, step[key])) for key in ('mean', 'std')}
            first = first or (path, values)
            for key in values:
                if values[key] != first[1][key]:
                    raise ConfigError(f'{path} normalizes images by {key} {values[key]}, but '
                                      f'{first[0]} by {first[1][key]}: give both the same')


def _check_classes(cfg: Config) -> None:
    for path, dataset in dataset_configs(cfg):
        _check_dataset(path, dataset)
        classes = dataset.get('classes') or getattr(
            DATASETS.get(dataset['type']), 'CLASSES', None)
        if not isinstance(classes, (list, tuple)):
            continue
        for head, count in head_classes(cfg):
            if count != len(classes):
                raise ConfigError(
                    f'{head}.num_classes is {count}, but {path} ({dataset["type"]}) has '
                    f'{len(classes)} classes: give both the same')


def _check_dataset(path: str, dataset: dict) -> None:
    """What a data set class itself finds wrong in its config."""
    check = getattr(DATASETS.get(dataset['type']), 'check_config', None)
    try:
        if check is not None:
            check(dataset)
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from None


def _check_loader(data: dict) -> None:
    ahead = data.get('prefetch_factor')
    if ahead is not None and (not isinstance(ahead, int) or ahead < 1):
        raise ConfigError('data.prefetch_factor must be the number of batches that each worker '
                          f'reads ahead, at least 1, got {ahead!r}')


def _check_training_keys(cfg: Config) -> None:
    if cfg.get('fp16'):
        raise ConfigError("fp16 is mmcv's key: give uda.amp=dict(dtype='float16') (or 'bfloat16', "
                          'which needs no loss scale); uda.source_only=True trains on the source '
                          'alone')
    if cfg.get('uda') and cfg.get('optimizer_config'):
        raise ConfigError('optimizer_config must be None with uda, whose step calls the optimizer '
                          f'itself, got {dict(cfg.optimizer_config)}: uda.grad_clip and '
                          'uda.cumulative_iters clip and accumulate gradients')


def _check_report(report: Any) -> None:
    options = report if isinstance(report, dict) else {}
    images = options.get('images', 0)
    if not isinstance(report, (bool, dict)) or set(options) - {'images'} or \
            not isinstance(images, int) or images < 0:
        raise ConfigError('report must be True, False or dict(images=N), the number of test images '
                          f'that it shows the best and worst of, got {shown(report)}')
