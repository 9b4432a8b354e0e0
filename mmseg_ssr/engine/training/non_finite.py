"""Report of an iteration with non-finite numbers: its samples, and a file that repeats it."""
import os
from typing import Any, Dict, List, Sequence, Tuple

import torch
from mmcv.runner import Hook
from torch import nn

from ... import distributed
from ...errors import CheckpointError
from ...methods import UDASegmentor
from ...methods.segmentor import batch_of
from ...uda import NotFinite
from ..build import build_training_model
from ..checkpoint.files import read_checkpoint, write_checkpoint
from ..checkpoint.random_state import restore_random_state
from ..config.saved import read_plain_config
from ..on_device import to_device


class NumberCheck(Hook):
    """Check the numbers that are still unread (``watch_interval``) before each checkpoint.

    Args:
        interval: number of iterations between two checkpoints.
    """

    def __init__(self, interval: int):
        self.interval = interval

    def after_train_iter(self, runner: Any) -> None:
        if self.every_n_iters(runner, self.interval) or self.is_last_iter(runner):
            runner.bare_model.finite_check.finish()


def report(error: NotFinite, content: Dict[str, Any], batch: Dict[str, Any],
           folder: str) -> NotFinite:
    """Write a file that reproduces the iteration. Return the error with samples and path added.

    Args:
        content: checkpoint of the state that the iteration started with.
        batch: batch of this process, as the data loader gave it. The batches of all processes are
            written as one.
        folder: folder for the file.
    """
    path = os.path.join(folder, f'not_finite_iter_{error.iteration + 1}.pth')
    batches = distributed.gather(to_device(batch, torch.device('cpu')))

    def write() -> str:
        whole = joined(batches)
        write_checkpoint(dict(content, batch=whole, terms=list(error.terms)), path)
        return ', '.join(sample_files(whole))

    error.args = (f'{error.args[0]}; samples {distributed.from_first(write)}; '
                  f'`mmseg-ssr replay {path}` runs the iteration again', )
    return error


def joined(batches: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Join the batches of several processes into one."""
    return {key: torch.cat([batch[key] for batch in batches]) if isinstance(value, torch.Tensor)
            else [item for batch in batches for item in batch[key]]
            for key, value in batches[0].items()}


def sample_files(batch: Dict[str, Any]) -> List[str]:
    """Return the names of the images in a batch."""
    metas = [meta for key in ('img_metas', 'target_img_metas') for meta in batch.get(key, [])]
    return [str(meta.get('filename') or meta.get('ori_filename')) for meta in metas]


def replay(path: str, device: torch.device) -> Tuple[Dict[str, float], List[str]]:
    """Run the iteration in a file that :func:`report` wrote, without an update.

    Returns:
        The losses, and the names of the parameters whose gradient is not finite.

    Raises:
        CheckpointError: the file was not written by :func:`report`.
    """
    content = read_checkpoint(path)
    if 'batch' not in content:
        raise CheckpointError(f'{path} holds no iteration to run again: give a file '
                              'not_finite_iter_N.pth of a work directory')
    cfg = read_plain_config(content['meta']['config'], path)
    model = build_training_model(cfg, content['meta']['seed'])
    model.load_state_dict(content['state_dict'], strict=False)  # statistics may not be finite
    model.to(device).train()
    if 'training_state' in content:
        model.load_training_state(content['training_state'])
    restore_random_state(content['random_state'])
    losses = _losses(model, to_device(content['batch'], device))
    bad = [name for name, parameter in model.named_parameters()
           if parameter.grad is not None and not parameter.grad.isfinite().all()]
    return {name: float(value.detach().mean()) for name, value in losses.items()}, bad


def _losses(model: nn.Module, batch: Dict[str, Any]) -> Dict[str, torch.Tensor]:
    if isinstance(model, UDASegmentor):
        return model.forward_backward(batch_of(batch)).losses
    losses = model.forward_train(**batch)
    sum(value.mean() for name, value in losses.items() if 'loss' in name).backward()
    return losses
