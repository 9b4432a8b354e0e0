"""One training, from its config to its last checkpoint."""
import copy
import os
from typing import Any, Dict, Optional

import mmseg
import torch
from mmcv import Config
from mmcv.runner import HOOKS, CheckpointHook
from mmcv.utils import build_from_cfg
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ... import distributed
from ...errors import explained
from ...methods import UDASegmentor
from ...uda import Draws
from ...uda.replicas import share_networks
from ...utils.atomic_file import remove_leftovers, write_atomic
from ..build import (
    build_test_dataset,
    build_training_dataset,
    build_training_model,
    class_names,
    limit_images,
)
from ..checkpoint.files import Checkpoint, checkpoints_in, complete_saving, set_aside_newer
from ..checkpoint.weights import begin_from
from ..config.faults import config_fault
from ..config.saved import config_text
from ..config.trackers import tracker_hooks
from ..config.validate import validate
from ..config.values import (
    batch_size,
    checkpoint_interval,
    experiment_name,
    given,
    max_iterations,
    prefetch_factor,
    workers,
)
from ..data_loader import training_loader
from ..distributed.replicas import ReplicaCheck, check_agreement
from ..logging.run_log import RunLog, full_disk, open_log
from ..logging.view_pictures import ViewPictures
from ..on_device import OnDevice
from ..testing.evaluate import evaluation_loader
from ..testing.hook import EvaluationHook
from ..whole_image_maps import prepare as prepare_maps
from .image_draws import ImageDraws
from .non_finite import NumberCheck
from .optimizer import build_optimizer
from .optimizer_hook import optimizer_hook
from .runner import SelfTrainingRunner
from .start import (
    checkpoint_to_resume,
    compare_samples,
    compare_weights,
    failed_start,
    image_counts,
    seed_training,
    warn_of_absent_classes,
    weight_sums,
)
from .trial import check_files

#: Saving comes last in an iteration, after the logs: a checkpoint holds a finished iteration.
CHECKPOINT_PRIORITY = 95
#: Checks come after the update and before anything that evaluates or saves.
CHECK_PRIORITY = 60
KEPT_CHECKPOINTS = 2


def train(cfg: Config,
          work_dir: str,
          device: torch.device,
          seed: Optional[int] = None,
          deterministic: bool = False,
          resume_from: Optional[str] = None,
          evaluate: bool = True,
          evaluation_images: Optional[int] = None,
          trusted: bool = False) -> str:
    """Train as ``cfg`` says and return the path of the last checkpoint.

    Several processes (:mod:`~mmseg_ssr.engine.distributed.launch`) train together. Each takes
    ``data.samples_per_gpu`` samples per iteration.

    Args:
        work_dir: folder for checkpoints, logs and the resolved config.
        seed: seed of all random decisions. None takes the config's ``seed``, or draws one.
        deterministic: ask torch for kernels that repeat to the bit.
        resume_from: checkpoint to resume. ``'auto'`` takes the newest readable one in
            ``work_dir``, if there is one.
        evaluate: whether the student is scored on ``data.val`` as ``evaluation`` says.
        evaluation_images: number of images to score on. None takes all.
        trusted: see :func:`~mmseg_ssr.engine.checkpoint.files.read_checkpoint`.

    Raises:
        UserError: the config, the data or a file of weights has a fault.
    """
    validate(cfg)
    check_files(cfg)
    check_agreement(configuration=str(dict(cfg.items())))
    with open_log(work_dir, cfg.get('log_level') or 'INFO') as log:
        distributed.from_first(lambda: remove_leftovers(work_dir))
        begun = checkpoint_to_resume(cfg, work_dir, resume_from or cfg.get('resume_from'), log)
        prepare_maps(cfg, device, log.logger.info)
        seed = seed_training(cfg, seed, deterministic, begun)
        log.logger.info('%s: seed %d, device %s, batch of %d in %d process(es)',
                        experiment_name(cfg), seed, device,
                        batch_size(cfg) * distributed.world_size(), distributed.world_size())
        val_dataset = None
        if evaluate:
            val_dataset = limit_images(build_test_dataset(cfg, 'val'), evaluation_images)
        model = build_training_model(cfg, seed)
        dataset = distributed.first_before_others(  # process 0 may count classes, once for all
            lambda: build_training_dataset(cfg, seed))
        check_agreement(seed=seed, number_of_training_images=len(dataset))
        distributed.from_first(lambda: warn_of_absent_classes(dataset, log.logger))
        runner = build_runner(cfg, model, dataset, work_dir, device, log, seed)
        if val_dataset is not None:
            _register_evaluation(runner, cfg, val_dataset, device)
        start = _begin(runner, cfg, begun, trusted)
        del begun  # as large as the model and its optimizer
        distributed.from_first(lambda: _tidy_folder(work_dir, runner, log))
        share_networks(runner.bare_model)
        write_config(cfg, work_dir)
        first = runner.iter
        with explained(failed_start(cfg, log, lambda: runner.iter > first)), \
                explained(full_disk(work_dir)):
            runner.run([_loader(cfg, dataset, runner, device, seed)], [('train', 1)])
    return distributed.from_first(
        lambda: start if first == runner.max_iters else checkpoints_in(work_dir)[0])


def _begin(runner: SelfTrainingRunner, cfg: Config, begun: Optional[Checkpoint],
           trusted: bool) -> Optional[str]:
    """Resume a checkpoint and return its path, or load the weights of ``load_from``."""
    if begun:
        runner.go_on_from(begun.content, begun.path)
        compare_samples(begun, runner)
        compare_weights(begun, runner)
        return begun.path
    if cfg.get('load_from'):
        runner.logger.info('load weights from %s', cfg.load_from)
        new = begin_from(runner.bare_model, cfg.load_from, cfg.get('new_parts') or [], trusted)
        if new:
            runner.logger.info('not from there, these start new: %s', ', '.join(new))
    return None


def _tidy_folder(work_dir: str, runner: SelfTrainingRunner, log: RunLog) -> None:
    """Keep only the checkpoints that belong to the training so far."""
    set_aside_newer(work_dir, runner.iter, log.timestamp, log.logger)
    complete_saving(work_dir, runner.max_keep_ckpts, runner.links_latest)


def _loader(cfg: Config, dataset: Dataset, runner: SelfTrainingRunner, device: torch.device,
            seed: int) -> DataLoader:
    """Return a loader of the batches from the first to the last iteration of this run."""
    return training_loader(
        dataset, batch_size(cfg), runner.max_iters, seed, first_iteration=runner.iter,
        workers=workers(cfg), device=device, prefetch_factor=prefetch_factor(cfg))


def _meta(cfg: Config, dataset: Dataset) -> Dict[str, Any]:
    """Return what checkpoints say about a training, beside its classes and its seed."""
    return dict(config=config_text(cfg), exp_name=experiment_name(cfg),
                torch_version=str(torch.__version__), mmseg_version=mmseg.__version__,
                batch=batch_size(cfg) * distributed.world_size(), images=image_counts(dataset),
                weight_files=weight_sums(cfg))


def build_runner(cfg: Config, model: nn.Module, dataset: Dataset, work_dir: str,
                 device: torch.device, log: RunLog, seed: int) -> SelfTrainingRunner:
    """Build the runner with the optimizer and the hooks of ``cfg``."""
    classes, palette = class_names(dataset)
    model.CLASSES, model.PALETTE = classes, palette
    model = OnDevice(model, device)
    checkpoint_cfg = given(cfg.get('checkpoint_config'))
    runner = SelfTrainingRunner(
        model,
        optimizer=build_optimizer(cfg, model),
        work_dir=work_dir,
        logger=log.logger,
        meta=dict(_meta(cfg, dataset), CLASSES=classes, PALETTE=palette, seed=seed),
        max_iters=max_iterations(cfg),
        max_keep_ckpts=checkpoint_cfg.pop('max_keep_ckpts', KEPT_CHECKPOINTS))
    runner.timestamp = log.timestamp
    runner.links_latest = checkpoint_cfg.get('create_symlink', True)
    checkpoint_cfg.setdefault('interval', checkpoint_interval(runner.max_iters))
    checkpoint_cfg.update(by_epoch=False, save_last=True)
    with explained(config_fault(cfg, 'optimizer_config')):
        own_hook = _own_optimizer_hook(cfg, model.module)
    with explained(config_fault(cfg, 'lr_config, log_config or custom_hooks', 'cannot be used')):
        runner.register_training_hooks(  # it takes keys out of its arguments
            _in_iterations(cfg.get('lr_config')), own_hook,
            log_config=_log_config(cfg, work_dir, log),
            momentum_config=_in_iterations(cfg.get('momentum_config')))
        runner.register_hook(CheckpointHook(**checkpoint_cfg), priority=CHECKPOINT_PRIORITY)
        for hook_cfg in cfg.get('custom_hooks') or []:
            hook_cfg = dict(hook_cfg)
            priority = hook_cfg.pop('priority', 'NORMAL')
            runner.register_hook(build_from_cfg(hook_cfg, HOOKS), priority=priority)
    if isinstance(model.module, UDASegmentor):
        runner.register_hook(NumberCheck(checkpoint_cfg['interval']), priority=CHECK_PRIORITY)
    elif hasattr(model.module, 'follow_draws'):
        draws = Draws(seed)
        model.module.follow_draws(draws)
        runner.register_hook(ImageDraws(draws))
    interval = getattr(model.module, 'debug_img_interval', 0)
    if interval:
        runner.register_hook(ViewPictures(interval, dataset))
    if distributed.world_size() > 1:
        runner.register_hook(ReplicaCheck(checkpoint_cfg['interval']), priority=CHECK_PRIORITY)
    return runner


def _in_iterations(schedule: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """Let a schedule count iterations. mmcv counts epochs by default, and here is only one."""
    return schedule and dict(copy.deepcopy(schedule), by_epoch=False)


def _own_optimizer_hook(cfg: Config, model: nn.Module) -> Optional[dict]:
    """Build the optimizer hook, or return None for methods: their step calls the optimizer."""
    return None if isinstance(model, UDASegmentor) else optimizer_hook(cfg.get('optimizer_config'))


def write_config(cfg: Config, work_dir: str) -> None:
    """Write the config with bases and options resolved to ``work_dir``."""
    if distributed.rank() == 0:
        write_atomic(os.path.join(work_dir, 'config.py'), config_text(cfg).encode())


def _log_config(cfg: Config, work_dir: str, log: RunLog) -> Optional[Dict[str, Any]]:
    log_config = cfg.get('log_config') or {}
    hooks = [dict(hook, by_epoch=False)
             for hook in (*(log_config.get('hooks') or []), *tracker_hooks(cfg, work_dir))]
    if not hooks:
        return None
    if any(hook['type'] == 'TensorboardLoggerHook' for hook in hooks):
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError:
            log.logger.warning('no TensorBoard log: pip install tensorboard')
            hooks = [hook for hook in hooks if hook['type'] != 'TensorboardLoggerHook']
    return dict(interval=log_config.get('interval', 50), hooks=hooks)


def _register_evaluation(runner: SelfTrainingRunner, cfg: Config, dataset: Dataset,
                         device: torch.device) -> None:
    evaluation = given(cfg.get('evaluation'))
    evaluation.update(by_epoch=False, pre_eval=True)
    evaluation.setdefault('interval', max(1, runner.max_iters // 10))
    evaluation.pop('efficient_test', None)
    loader = evaluation_loader(dataset, workers(cfg), device, prefetch_factor(cfg))
    with explained(config_fault(cfg, 'evaluation', 'cannot be used')):
        runner.register_hook(EvaluationHook(loader, **evaluation), priority='LOW')
