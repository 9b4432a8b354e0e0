"""Weights of one network from a checkpoint of ours, mmseg, DAFormer, HRDA, MIC, SSR, VFM-UDA++."""
from typing import Any, Callable, Dict, Iterable, List, Sequence

from torch import Tensor, nn

from ...errors import CheckpointError, ConfigError, nearest
from ...weights import check_values
from ...weights.lightning_layouts import is_vfmuda_layout, segmentor_layout
from .files import read_checkpoint

ROLES = ('student', 'teacher')
#: What to do with weights of another model.
TEST = 'test it with the config it was trained with'
RESUME = 'resume with the config it was started with'

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
                  role: str = 'student', remedy: str = TEST) -> None:
    """Do the work of :func:`load_weights` with a checkpoint that has been read already.

    Args:
        checkpoint: content of the file.
        model, role: see :func:`load_weights`.
        path: path of the file, for messages.
        remedy: what to do if the weights are of another model.
    """
    weights = network_weights(checkpoint, role, path)
    check_fit(weights, model, path, lambda names: remedy)
    model.load_state_dict(weights, strict=False)  # the names have just been compared


def begin_from(model: nn.Module, path: str, new_parts: Sequence[str],
               trusted: bool = False) -> List[str]:
    """Load the student's weights of another training, but for some parts.

    Args:
        model, path, trusted: see :func:`load_weights`.
        new_parts: names of modules or parameters that keep the weights that they have.

    Returns:
        The names of the tensors that keep their values.

    Raises:
        ConfigError: the model has no such part.
        MissingFile, CheckpointError: see :func:`load_weights`. The error tells which parts to leave
            out, if that is enough.
    """
    def is_new(name: str) -> bool:
        return any(f'{name}.'.startswith(f'{part}.') for part in new_parts)

    state = model.state_dict()
    modules = {name.rsplit('.', depth)[0] for name in state for depth in range(name.count('.') + 1)}
    for part in new_parts:
        if not any(f'{name}.'.startswith(f'{part}.') for name in state):
            raise ConfigError(f'new_parts names {part!r}, which the model does not have'
                              f'{nearest(part, modules)}')
    weights = network_weights(read_checkpoint(path, trusted), path=path)
    weights = {name: value for name, value in weights.items() if not is_new(name)}
    check_fit(weights, model, path, _without_parts, is_new)
    model.load_state_dict(weights, strict=False)
    return [name for name in state if is_new(name)]


def _without_parts(names: Sequence[str]) -> str:
    """Return what to do if these tensors keep the weights from being loaded."""
    for part in ('decode_head.conv_seg', 'decode_head', 'auxiliary_head'):
        if names and all(name.startswith(f'{part}.') for name in names):
            return (f"to start from the others, give new_parts=['{part}'] (--cfg-options "
                    f'"new_parts=[\'{part}\']"), which then starts new')
    if names and all(name.startswith(('decode_head.', 'auxiliary_head.')) for name in names):
        return ("to start from the backbone, give new_parts=['decode_head', 'auxiliary_head'], "
                'which then start new')
    return 'give a checkpoint of the same backbone, or leave --load-from away'


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
    if role == 'student' and is_vfmuda_layout(state):
        return segmentor_layout(state)
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


def check_fit(weights: Dict[str, Tensor], model: nn.Module, path: str,
              remedy: Callable[[Sequence[str]], str] = lambda names: TEST,
              left_out: Callable[[str], bool] = lambda name: False) -> None:
    """Raise a ``CheckpointError`` unless names, shapes and kinds fit those of ``model``.

    Args:
        remedy: function from the names that do not fit to what the user should do.
        left_out: whether a tensor of the model needs no weights.
    """
    wanted = {name: value for name, value in model.state_dict().items() if not left_out(name)}
    shared = [name for name in wanted if name in weights]
    if not shared:
        raise CheckpointError(
            f'{path} is of another model: none of its {len(weights)} tensors is in this one '
            f'({some(weights)} there, {some(wanted)} here): {remedy(list(wanted))}')
    missing = [name for name in wanted if name not in weights]
    unexpected = [name for name in weights if name not in wanted]
    reshaped = [name for name in shared if weights[name].shape != wanted[name].shape]
    shapes = [f'{name} {tuple(weights[name].shape)} for {tuple(wanted[name].shape)}'
              for name in reshaped]
    faults = [f'{len(names)} {what} ({some(names)})' for what, names in (
        ('missing', missing), ('unexpected', unexpected), ('of another shape', shapes)) if names]
    if faults:
        raise CheckpointError(f'{path} does not fit the model of this config: {", ".join(faults)}; '
                              + remedy([*missing, *unexpected, *reshaped]))
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


def some(names: Iterable[str]) -> str:
    """Return the first three names, for a message."""
    names = list(names)
    return ', '.join(names[:3]) + (', ...' if len(names) > 3 else '')

