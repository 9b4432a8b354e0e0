"""Weights of one network from a checkpoint of ours, mmseg, DAFormer, HRDA, MIC or SSR."""
from typing import Any, Dict, Iterable, List

from torch import Tensor, nn

from ...errors import CheckpointError, ConfigError, nearest
from ...weights import check_values
from .files import read_checkpoint

ROLES = ('student', 'teacher')

# The predecessors save every network, each under the name of the attribute that holds it.
PREFIX = {'student': 'model.', 'teacher': 'ema_model.'}
OTHERS = ('model.', 'ema_model.', 'imnet_model.', 'mic.', 'predictor.', 'embedding_layer.',
          'fusion_layer.', 'regularizer.')


def load_weights(model: nn.Module, path: str, role: str = 'student',
                 trusted: bool = False) -> Dict[str, Any]:
    """Load the student's or the teacher's weights from the checkpoint at ``path``.

    Args:
        model: a segmentor, or a method, whose student gets the weights.
        path: path of the file.
        role: ``'student'``, which the papers report, or ``'teacher'``.
        trusted: see :func:`~mmseg_ssr.engine.checkpoint.files.read_checkpoint`.

    Returns:
        The checkpoint's ``meta`` (an empty dict if it has none).

    Raises:
        MissingFile: there is no such file.
        CheckpointError: the file cannot be read, holds no such network, or does not fit ``model``
            in every name and shape.
    """
    checkpoint = read_checkpoint(path, trusted)
    apply_weights(checkpoint, model, path, role)
    return checkpoint.get('meta') or {}


def apply_weights(checkpoint: Dict[str, Any], model: nn.Module, path: str,
                  role: str = 'student') -> None:
    """Do the work of :func:`load_weights` with a checkpoint that has been read already.

    Args:
        checkpoint: content of the file.
        model, role: see :func:`load_weights`.
        path: path of the file, for messages.
    """
    weights = network_weights(checkpoint, role, path)
    check_fit(weights, model, path)
    model.load_state_dict(weights, strict=False)  # the names have just been compared


def network_weights(checkpoint: Dict[str, Any], role: str = 'student',
                    path: str = 'checkpoint') -> Dict[str, Tensor]:
    """Return the state dict of the student or the teacher with plain names (``backbone.*``).

    Raises:
        CheckpointError: the checkpoint holds no such network.
        ConfigError: the role is unknown.
    """
    if role not in PREFIX:
        raise ConfigError(f'weights must be of the {" or the ".join(PREFIX)}, got {role!r}'
                          f'{nearest(role, PREFIX)}')
    if role == 'teacher' and 'training_state' in checkpoint:
        return _own_teacher(checkpoint['training_state'], path)
    state = checkpoint.get('state_dict', checkpoint)
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise CheckpointError(f'{path} holds no state dict')
    state = {_without_module(name): tensor for name, tensor in state.items()
             if isinstance(tensor, Tensor)}
    is_predecessor = any(name.startswith('model.') for name in state)
    if is_predecessor:
        prefix = PREFIX[role]
        weights = {name[len(prefix):]: tensor for name, tensor in state.items()
                   if name.startswith(prefix)}
    else:
        weights = {name: tensor for name, tensor in state.items() if not name.startswith(OTHERS)}
        averages = {f'ema_{name.replace(".", "_")}' for name in weights}  # of mmcv's EMAHook
        weights = {name: tensor for name, tensor in weights.items() if name not in averages}
    if not weights or (role == 'teacher' and not is_predecessor):
        raise CheckpointError(f'{path} holds no {role} network'
                              + (': give --weights student' if role == 'teacher' else ''))
    return weights


def check_fit(weights: Dict[str, Tensor], model: nn.Module, path: str) -> None:
    """Raise a ``CheckpointError`` unless names, shapes and kinds fit those of ``model``."""
    wanted = model.state_dict()
    shared = [name for name in wanted if name in weights]
    if not shared:
        raise CheckpointError(
            f'{path} is of another model: none of its {len(weights)} tensors is in this one '
            f'({_some(weights)} there, {_some(wanted)} here)')
    missing = [name for name in wanted if name not in weights]
    unexpected = [name for name in weights if name not in wanted]
    reshaped = [f'{name} {tuple(weights[name].shape)} for {tuple(wanted[name].shape)}'
                for name in shared if weights[name].shape != wanted[name].shape]
    faults = [f'{len(names)} {what} ({_some(names)})' for what, names in (
        ('missing', missing), ('unexpected', unexpected), ('of another shape', reshaped)) if names]
    if faults:
        raise CheckpointError(f'{path} does not fit the model of this config: '
                              f'{", ".join(faults)}; test it with the config it was trained with')
    check_values(weights, wanted, path)


def _own_teacher(training_state: Dict[str, Any], path: str) -> Dict[str, Tensor]:
    teachers = training_state.get('teachers')
    if not teachers:
        raise CheckpointError(f'{path} was trained without a teacher: give --weights student')
    return teachers[0]['network']


def _without_module(name: str) -> str:
    """Drop the marks of distributed training: ``module.model.module.x`` -> ``model.x``."""
    parts: List[str] = name.split('.')
    head = [part for part in parts[:3] if part != 'module']
    return '.'.join(head + parts[3:])


def _some(names: Iterable[str], count: int = 3) -> str:
    names = list(names)
    return ', '.join(names[:count]) + (', ...' if len(names) > count else '')

