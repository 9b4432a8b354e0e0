"""One training, from a config to its last checkpoint."""
import copy
import os
from typing import Any, Dict, Optional

import torch
from mmcv import Config
from mmcv.runner import HOOKS, CheckpointHook
from mmcv.utils import build_from_cfg
from torch import nn
from torch.utils.data import Dataset

from ..errors import ConfigError
from ..uda import UDASegmentor
from .build import (
    build_test_dataset,
    build_training_dataset,
    build_training_model,
    class_names,
    limit_images,
)
from .checkpoint import checkpoints_in, newest_readable
from .config import experiment_name, max_iterations
from .config_check import validate
from .data_loader import test_loader, training_loader
from .device import OnDevice
from .evaluation import EvaluationHook
from .load_weights import load_weights
from .optimizer import build_optimizer
from .optimizer_hook import optimizer_hook
from .random_state import draw_seed, set_seed
from .run_log import RunLog, open_log
from .runner import SelfTrainingRunner
from .weight_files import check_weight_files

#: Runs after everything else of an iteration, the logs too: a checkpoint is a finished iteration.
CHECKPOINT_PRIORITY = 95
KEPT_CHECKPOINTS = 2


def train(cfg: Config,
          work_dir: str,
          device: torch.device,
          seed: Optional[int] = None,
          deterministic: bool = False,
          resume_from: Optional[str] = None,
          load_from: Optional[str] = None,
          evaluate: bool = True,
          evaluation_images: Optional[int] = None,
          trusted: bool = False) -> str:
    """Train as ``cfg`` says and return the path of the last checkpoint.

    Args:
        work_dir: folder for checkpoints, logs and the config as it was used.
        seed: of everything random; the config's ``seed`` when None, a drawn one if it has none.
        deterministic: ask torch for kernels that repeat to the bit.
        resume_from: checkpoint to go on from, or ``'auto'``: the newest readable in ``work_dir``,
            if there is one.
        load_from: checkpoint whose student weights to start from.
        evaluate: score the student on ``data.val`` as ``evaluation`` says.
        evaluation_images: score on that many images only.
        trusted: see :func:`~mmseg_ssr.engine.checkpoint.read_checkpoint`.

    Raises:
        UserError: of the config, the data, or a file of weights.
    """
    validate(cfg)
    check_weight_files(cfg)
    seed = _set_seed(cfg, seed, deterministic)
    with open_log(work_dir, cfg.get('log_level') or 'INFO') as log:
        log.logger.info('%s: seed %d, device %s', experiment_name(cfg), seed, device)
        val_dataset = None
        if evaluate:
            val_dataset = limit_images(build_test_dataset(cfg, 'val'), evaluation_images)
        model = build_training_model(cfg, seed)
        dataset = build_training_dataset(cfg, seed)
        runner = build_runner(cfg, model, dataset, work_dir, device, log, seed)
        if val_dataset is not None:
            _register_evaluation(runner, cfg, val_dataset, device)
        _start_from(runner, cfg, resume_from or cfg.get('resume_from'),
                    load_from or cfg.get('load_from'), trusted)
        loader = training_loader(
            dataset, batch_size(cfg), runner.max_iters, seed, first_iteration=runner.iter,
            workers=workers(cfg), device=device)
        write_config(cfg, work_dir)
        runner.run([loader], [('train', 1)])
    return (checkpoints_in(work_dir) or [resume_from])[0]


def build_runner(cfg: Config, model: nn.Module, dataset: Dataset, work_dir: str,
                 device: torch.device, log: RunLog, seed: int) -> SelfTrainingRunner:
    """The runner with optimizer and hooks of ``cfg``."""
    classes, palette = class_names(dataset)
    model.CLASSES, model.PALETTE = classes, palette
    model = OnDevice(model, device)
    checkpoint_cfg = dict(cfg.get('checkpoint_config') or {})
    runner = SelfTrainingRunner(
        model,
        optimizer=build_optimizer(cfg, model),
        work_dir=work_dir,
        logger=log.logger,
        meta=dict(CLASSES=classes, PALETTE=palette, config=cfg.pretty_text, seed=seed,
                  exp_name=experiment_name(cfg)),
        max_iters=max_iterations(cfg),
        max_keep_ckpts=checkpoint_cfg.pop('max_keep_ckpts', KEPT_CHECKPOINTS))
    runner.timestamp = log.timestamp
    checkpoint_cfg.setdefault('interval', checkpoint_interval(runner.max_iters))
    checkpoint_cfg.update(by_epoch=False, save_last=True)
    runner.register_training_hooks(  # which takes keys out of its arguments
        copy.deepcopy(cfg.get('lr_config')),
        None if isinstance(model.module, UDASegmentor) else optimizer_hook(cfg.optimizer_config),
        log_config=_log_config(cfg, log),
        momentum_config=copy.deepcopy(cfg.get('momentum_config')))
    runner.register_hook(CheckpointHook(**checkpoint_cfg), priority=CHECKPOINT_PRIORITY)
    for hook_cfg in cfg.get('custom_hooks') or []:
        hook_cfg = dict(hook_cfg)
        priority = hook_cfg.pop('priority', 'NORMAL')
        runner.register_hook(build_from_cfg(hook_cfg, HOOKS), priority=priority)
    return runner


def batch_size(cfg: Config) -> int:
    """Samples of an iteration, ``data.samples_per_gpu``."""
    return cfg.data.get('samples_per_gpu', 2)


def workers(cfg: Config) -> int:
    """Processes that load data, ``data.workers_per_gpu``, at most one for each core."""
    return min(cfg.data.get('workers_per_gpu', 0), os.cpu_count() or 1)


def checkpoint_interval(iterations: int) -> int:
    """Iterations between checkpoints where the config does not say: a twentieth, at most 2000."""
    return max(1, min(2000, iterations // 20))


def write_config(cfg: Config, work_dir: str) -> None:
    """Leave the config as it was used, bases and options resolved, in ``work_dir``."""
    with open(os.path.join(work_dir, 'config.py'), 'w', encoding='utf-8') as file:
        file.write(cfg.pretty_text)


def _set_seed(cfg: Config, seed: Optional[int], deterministic: bool) -> int:
    """Seed everything; returns the seed, which is drawn where neither call nor config has one."""
    seed = cfg.get('seed') if seed is None else seed
    autotune = bool(cfg.get('cudnn_benchmark')) and seed is None
    seed = draw_seed() if seed is None else seed
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ConfigError(f'seed must be an integer in 0..{2**32 - 1}, got {seed}')
    set_seed(seed, deterministic or bool(cfg.get('deterministic')), autotune)
    return seed


def _log_config(cfg: Config, log: RunLog) -> Optional[Dict[str, Any]]:
    log_config = cfg.get('log_config')
    if not log_config:
        return None
    hooks = [dict(hook, by_epoch=False) for hook in log_config['hooks']]
    if any(hook['type'] == 'TensorboardLoggerHook' for hook in hooks):
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError:
            log.logger.warning('no TensorBoard log: pip install tensorboard')
            hooks = [hook for hook in hooks if hook['type'] != 'TensorboardLoggerHook']
    return dict(interval=log_config.get('interval', 50), hooks=hooks)


def _register_evaluation(runner: SelfTrainingRunner, cfg: Config, dataset: Dataset,
                         device: torch.device) -> None:
    evaluation = dict(cfg.get('evaluation') or {})
    evaluation.update(by_epoch=False, pre_eval=True)
    evaluation.setdefault('interval', max(1, runner.max_iters // 10))
    evaluation.pop('efficient_test', None)
    loader = test_loader(dataset, workers(cfg), device)
    runner.register_hook(EvaluationHook(loader, **evaluation), priority='LOW')


def _start_from(runner: SelfTrainingRunner, cfg: Config, resume_from: Optional[str],
                load_from: Optional[str], trusted: bool) -> None:
    found = newest_readable(runner.work_dir, runner.logger) if resume_from == 'auto' else None
    if found:
        path, content = found
        if content.get('meta', {}).get('config') != cfg.pretty_text:
            raise ConfigError(f'{path} was trained with another config than {cfg.filename} is '
                              'now: choose another --work-dir, or name the file, --resume-from '
                              'FILE, if you mean to go on with the changed config')
        runner.go_on_from(content, path)
    elif resume_from and resume_from != 'auto':
        runner.resume(resume_from)
    elif load_from:
        runner.logger.info('load weights from %s', load_from)
        load_weights(runner.bare_model, load_from, trusted=trusted)
