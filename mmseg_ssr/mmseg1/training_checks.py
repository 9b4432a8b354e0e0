"""Checks of a whole training of mmseg 1.x, before its first iteration."""
from typing import Any, Iterator, Mapping, Tuple

from mmengine.runner import Runner
from torch import Tensor, nn

from .. import distributed
from ..errors import CheckpointError, ConfigError
from .dataset import UDADataset

LOOPS = {'train_dataloader': 'train_loop', 'val_dataloader': 'val_loop'}

#: What wrappers of a model put before the names of its weights: several processes, several views.
WRAPPED = 'module.'


def check_classes(runner: Runner, model: nn.Module) -> None:
    """Raise a :class:`ConfigError` if heads and data sets differ in their number of classes.

    Args:
        model: the segmentor, without the wrapper of several processes.
    """
    for place, loop in LOOPS.items():
        dataset = getattr(getattr(getattr(runner, loop), 'dataloader', None), 'dataset', None)
        classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')
        for name, head in _heads(getattr(model, 'model', model)) if classes else ():
            if head.num_classes != len(classes):
                raise ConfigError(
                    f'num_classes of the {name} is {head.num_classes}, but {place}.dataset '
                    f'({type(dataset).__name__}) has {len(classes)} classes: give both the same')


def check_pairs(runner: Runner, model: nn.Module) -> None:
    """Raise a :class:`ConfigError` if pairs of domains come again, or if no method takes them.

    Args:
        model: the segmentor, without the wrapper of several processes.
    """
    loader = runner.train_dataloader
    if not isinstance(loader.dataset, UDADataset):
        return
    if not hasattr(model, 'saves_state'):
        raise ConfigError(
            f'model.type {type(model).__name__!r} trains on the source alone, but train_dataloader.'
            "dataset gives pairs with a target: put a method around it, model=dict(type='DACS', "
            "model=dict(type='EncoderDecoder', ...), ...), or give a data set without target")
    samples = runner.max_iters * (loader.batch_size or 1) * distributed.world_size()
    if len(loader.dataset) < samples:
        raise ConfigError(
            f'train_dataloader.dataset gives {len(loader.dataset)} pairs, then the same ones with '
            f'the same crops again, but the training takes {samples} (iterations x batch size x '
            f'processes): set train_dataloader.dataset.length={samples}, and train_cfg to a '
            "dict(type='IterBasedTrainLoop', max_iters=...)")


def check_weights(checkpoint: Mapping[str, Any], model: nn.Module) -> None:
    """Raise a :class:`CheckpointError` if a checkpoint holds no weight of the model.

    mmengine only warns of weights that do not fit. Those of some parts may be missing, as for other
    classes.
    """
    saved = checkpoint.get('state_dict', checkpoint)
    names, wanted = (
        {name[len(WRAPPED):] if name.startswith(WRAPPED) else name for name in found}
        for found in ([name for name, value in saved.items() if isinstance(value, Tensor)],
                      model.state_dict()))
    if not names & wanted:
        raise CheckpointError(
            f'load_from: none of the {len(names)} weights of the checkpoint is in this model '
            f'({", ".join(sorted(names)[:2])}, ... there, {", ".join(sorted(wanted)[:2])}, ... '
            'here): give a checkpoint of this student')


def check_resumable(checkpoint: Mapping[str, Any], state: str) -> None:
    """Raise a :class:`CheckpointError` for a checkpoint that a training cannot go on from.

    Args:
        state: key of the training state.
    """
    if 'message_hub' not in checkpoint or 'iter' not in checkpoint.get('meta', {}):
        raise CheckpointError('the checkpoint is not one of a training with mmseg 1.x, so it '
                              'cannot be resumed: give it as load_from without resume')
    if state not in checkpoint:
        raise CheckpointError('the checkpoint has no training state, so it cannot be resumed: '
                              'give it as load_from without resume')


def _heads(student: nn.Module) -> Iterator[Tuple[str, nn.Module]]:
    """Yield the decode and auxiliary heads of a segmentor with their names."""
    for name in ('decode_head', 'auxiliary_head'):
        found = getattr(student, name, None)
        parts = list(found) if isinstance(found, nn.ModuleList) else [found]
        for head in parts:
            if getattr(head, 'num_classes', None) is not None:
                yield name, head
