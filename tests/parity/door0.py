"""Trainings, schedules and predictions of mmseg 0.x, by this package's own runner."""
import logging
from copy import deepcopy
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
import torch
from mmcv import Config
from mmcv.runner import build_optimizer
from mmcv.runner.hooks.lr_updater import PolyLrUpdaterHook
from mmcv.runner.iter_based_runner import IterLoader
from torch import Tensor, nn

from mmseg_ssr.engine.build import build_training_model
from mmseg_ssr.engine.training.runner import SelfTrainingRunner

# Needed where colors are jittered, which no case does.
NORMALIZATION = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


def build_method(config: Dict[str, Any], seed: int) -> nn.Module:
    """The method of a config, built as a training builds it."""
    return build_training_model(Config(config), seed)


def optimizer_of(model: nn.Module, config: Dict[str, Any]) -> torch.optim.Optimizer:
    return build_optimizer(model, deepcopy(config))


def groups_of(optimizer: torch.optim.Optimizer) -> List[Dict[str, Any]]:
    """The groups of its parameters."""
    return optimizer.param_groups


def train(model: nn.Module, optimizer: torch.optim.Optimizer, lr_config: Dict[str, Any],
          max_iters: int, batches: List[Dict[str, Tensor]], stock: bool
          ) -> Iterator[Dict[str, float]]:
    """Run one iteration for each batch; yields each one's log.

    Args:
        batches: tensors by the names of mmseg 0.x.
        stock: mmseg's own way, a plain segmentor and mmcv's optimizer hook, instead of a method.
    """
    runner = SelfTrainingRunner(model, optimizer=optimizer, max_iters=max_iters,
                                logger=logging.getLogger('parity'))
    runner.register_lr_hook(dict(policy='poly', **lr_config))
    runner.register_optimizer_hook({} if stock else None)
    loader = IterLoader([
        dict(batch, img_metas=[dict(img_norm_cfg=NORMALIZATION)] * len(batch['img']))
        for batch in batches])
    runner.call_hook('before_run')
    for _ in batches:
        runner.train(loader)
        yield runner.outputs['log_vars']


def rates(optimizer: torch.optim.Optimizer, lr_config: Dict[str, Any], max_iters: int,
          iterations) -> Iterator[int]:
    """Give the optimizer the rates of one iteration after the other."""
    runner = SimpleNamespace(optimizer=optimizer, max_iters=max_iters, iter=0)
    hook = PolyLrUpdaterHook(**lr_config)
    hook.before_run(runner)
    for runner.iter in iterations:
        hook.before_train_iter(runner)
        yield runner.iter


def predictions(segmentor: nn.Module, img: Tensor, size: Tuple[int, int]
                ) -> Tuple[Tensor, np.ndarray, np.ndarray]:
    """Logits, and the classes at the image's size and at the original ``size``."""
    height, width = img.shape[2:]
    metas = [dict(ori_shape=(*size, 3), img_shape=(height, width, 3), pad_shape=(height, width, 3),
                  flip=False)]
    infer = (segmentor.slide_inference if segmentor.test_cfg.mode == 'slide'
             else segmentor.whole_inference)
    return (infer(img, metas, False), segmentor.simple_test(img, metas, rescale=False)[0],
            segmentor.simple_test(img, metas, rescale=True)[0])
