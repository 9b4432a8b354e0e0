"""Checks that a checkpoint holds everything that resuming a training needs.

Torch accepts an optimizer state of wrong shapes, and some parts are restored only later. Without
these checks, such faults would appear in the middle of the training.
"""
import re
from typing import Any, Dict, Mapping

import torch
from torch import Tensor, nn

from ...errors import CheckpointError
from ...weights import has_negative_variance
from .random_state import random_state, restore_random_state

#: The type of the optimizer in the text of a config.
OPTIMIZER = re.compile(r"^optimizer = dict\(\s*type='(\w+)'", re.M)
NEEDED = ('meta', 'state_dict', 'optimizer', 'random_state', 'log_buffer')


def check_resumable(content: Dict[str, Any], model: nn.Module, max_iters: int, path: str) -> None:
    """Raise a ``CheckpointError`` if parts are missing, damaged or past ``max_iters``."""
    needed = [*NEEDED, *(['training_state'] if hasattr(model, 'load_training_state') else [])]
    missing = [key for key in needed if key not in content]
    if missing:
        raise CheckpointError(f'{path} lacks {", ".join(missing)}, so a training cannot go on '
                              'from it exactly: start a new one from its weights with '
                              '--load-from')
    odd = [key for key in needed if not isinstance(content[key], dict)]
    if odd:
        raise CheckpointError(f'{path} is damaged: its {odd[0]} is no dict')
    iteration = content['meta'].get('iter')
    if not isinstance(iteration, int) or iteration < 0:
        raise CheckpointError(f'{path} does not say at which iteration it is (meta.iter is '
                              f'{iteration!r}): it was not written by this trainer, or is damaged')
    if iteration > max_iters:
        raise CheckpointError(f'{path} is at iteration {iteration}, past the end of this training '
                              f'({max_iters} iterations): raise runner.max_iters, or resume an '
                              'earlier one')
    counted = content.get('training_state', {}).get('iteration', iteration)
    if counted != iteration:
        raise CheckpointError(f'{path} is damaged: its meta is of iteration {iteration}, its '
                              f'training_state of iteration {counted!r}')


def check_same_optimizer(content: Dict[str, Any], optimizer: torch.optim.Optimizer, config: str,
                         path: str) -> None:
    """Raise a ``CheckpointError`` if the state is of another kind of optimizer, or other groups.

    Torch would take the state of another optimizer, and fail in its first step or never.

    Args:
        content: content of the checkpoint, with the text of its config in ``meta``.
        optimizer: optimizer of this training.
        config: text of the config of this training.
        path: path of the file, for messages.
    """
    saved = content['optimizer'].get('param_groups')
    if not isinstance(saved, list) or not all(isinstance(group, dict) for group in saved):
        raise CheckpointError(f'{path} is damaged: its optimizer has no groups of parameters')
    own = optimizer.state_dict()['param_groups']
    there, here = (OPTIMIZER.findall(text) for text in (str(content['meta'].get('config')), config))
    options = [set().union(*groups) for groups in (saved, own)]
    if there and here and there != here or all(map(set.difference, options, options[::-1])):
        former = f' ({there[0]})' if there else ''
        raise CheckpointError(f'{path} was trained with another optimizer{former} than this '
                              f'config has ({type(optimizer).__name__}): set '
                              'optimizer.type back, or begin a new training from its weights with '
                              '--load-from')
    counts = [[len(group.get('params', ())) for group in groups] for groups in (saved, own)]
    if counts[0] != counts[1]:
        raise CheckpointError(f'{path} was trained with groups of {counts[0]} parameters, this '
                              f'config makes groups of {counts[1]}: set optimizer.paramwise_cfg '
                              'and model back to what they were, or begin a new training from its '
                              'weights with --load-from')


def check_restored(content: Dict[str, Any], optimizer: torch.optim.Optimizer) -> None:
    """Check the parts that torch takes unchecked, and the parts that are restored later.

    Args:
        content: content of the checkpoint.
        optimizer: optimizer that has loaded its state from ``content``.

    Raises:
        ValueError, TypeError, LookupError, ...: a part is faulty.
    """
    _check_optimizer(content['optimizer'], optimizer)
    _check_finite(content.get('training_state', {}))
    now = random_state()
    try:
        restore_random_state(content['random_state'])
    finally:
        restore_random_state(now)
    values, counts = (content['log_buffer'][key] for key in ('values', 'counts'))
    if {name: len(numbers) for name, numbers in values.items()} != {
            name: len(numbers) for name, numbers in counts.items()}:
        raise ValueError('the log_buffer has not one count for each value')
    for history in (values, counts):
        if not all(isinstance(number, (int, float)) for row in history.values() for number in row):
            raise ValueError('the log_buffer holds something else than numbers')


def _check_optimizer(saved: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> None:
    for mine, theirs in zip(optimizer.state_dict()['param_groups'], saved['param_groups']):
        if mine['params'] != theirs['params']:
            raise ValueError('the optimizer has other parameters')
    kinds = {tuple(sorted((name, type(value).__name__) for name, value in state.items()))
             for state in optimizer.state.values()}
    if len(kinds) > 1:
        raise ValueError('the optimizer has states of several kinds, '
                         + ' and '.join(str(dict(kind)) for kind in sorted(kinds)))
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.dim() and value.shape != parameter.shape:
                raise ValueError(f'{name} of the optimizer has shape {tuple(value.shape)} for a '
                                 f'parameter of shape {tuple(parameter.shape)}')
        _all_finite({name: value for name, value in state.items() if isinstance(value, Tensor)},
                    'of the optimizer ')


def _check_finite(training_state: Mapping[str, Any]) -> None:
    networks = [teacher['network'] for teacher in training_state.get('teachers', [])]
    networks.append(training_state.get('adversary', {}).get('network', {}))
    networks += [training_state.get(part, {}) for part in (
        'regularizer', 'feature_distance', 'foundation_distance', 'loss_terms')]
    for network in networks:
        _all_finite(network)


def _all_finite(values: Mapping[str, Any], whose: str = '') -> None:
    for name, value in values.items():
        if not torch.isfinite(value).all():
            raise ValueError(f'{name} {whose}holds numbers that are not finite')
        if has_negative_variance(name, value):
            raise ValueError(f'{name} is a variance and holds numbers below 0')
