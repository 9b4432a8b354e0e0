"""Building of a config's optimizer, with merged groups and fused kernels."""
import contextlib
import inspect
from typing import Any, Dict, List

import torch
from mmcv import Config
from mmcv.runner import build_optimizer as build_with_mmcv
from mmseg import core
from torch import nn

from ...errors import ConfigError, explained
from ..config.faults import config_fault
from .layer_decay import check_scales, model_for

#: mmseg's function also knows mmseg's constructors. Old versions have none.
build = getattr(core, 'build_optimizer', build_with_mmcv)


def build_optimizer(cfg: Config, model: nn.Module) -> torch.optim.Optimizer:
    """Build the ``optimizer`` of a config, with mmcv's ``paramwise_cfg`` or mmseg's constructors.

    mmcv makes a group of every parameter. Here parameters with the same options share one group,
    in the order of the model. The update runs in one fused kernel if torch has one (Adam, AdamW,
    SGD), unless ``optimizer`` sets ``fused`` or ``foreach``.

    Raises:
        ConfigError: the config has no optimizer, torch refuses its arguments, or its constructor
            does not know the model.
    """
    if not cfg.get('optimizer'):
        raise ConfigError(f'{cfg.filename}: no optimizer = dict(...) in it')
    with explained(config_fault(cfg, 'optimizer')):
        optimizer = _build(model_for(cfg.optimizer, model), dict(cfg.optimizer))
        check_scales(optimizer)
    merge_groups(optimizer)
    return optimizer


def _build(model: nn.Module, options: Dict[str, Any]) -> torch.optim.Optimizer:
    if can_be_fused(options):
        with contextlib.suppress(RuntimeError):  # older torch has no fused kernel for the CPU
            return build(model, dict(options, fused=True))
    return build(model, options)


def can_be_fused(options: Dict[str, Any]) -> bool:
    """Whether torch has a fused kernel for this optimizer and the options leave the choice."""
    kind = getattr(torch.optim, str(options.get('type')), None)
    if kind is None or 'fused' in options or 'foreach' in options:
        return False
    return 'fused' in inspect.signature(kind).parameters


def merge_groups(optimizer: torch.optim.Optimizer) -> None:
    """Put parameters with equal options into one group."""
    merged: List[Dict[str, Any]] = []
    for group in optimizer.param_groups:
        same = next((other for other in merged if options_of(other) == options_of(group)), None)
        if same is None:
            merged.append(group)
        else:
            same['params'].extend(group['params'])
    optimizer.param_groups = merged


def options_of(group: Dict[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in group.items() if key != 'params'}
