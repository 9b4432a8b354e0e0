"""What a card must keep: the numbers of float32, a host that does not wait, trainings that repeat.

Each check is a workload that is not timed. Its facts tell what it has found.
"""
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import numpy as np
import torch
from mmcv import Config
from torch import Tensor
from torch.utils._pytree import tree_leaves

from ...engine.checkpoint.files import read_checkpoint
from ...engine.training.train import train
from ...uda.view_record import recorded_views
from ..data import data_config, drawn_data
from ..measure import Workload
from ..methods import SMALL
from ..step import TrainingIteration

#: Networks and images of the trainings in miniature.
MINIATURE = SMALL._replace(crop=128)
#: Iterations of such a training. It is resumed in the middle.
ITERATIONS = 4


class FirstIteration(TrainingIteration):
    """One iteration without dropout: its losses, and the pseudo-labels of its target images."""

    def __init__(self, device: torch.device, config: Config, crop: int, batch: int):
        config.model.backbone.drop_path_rate = 0.
        config.model.decode_head.dropout_ratio = 0.
        super().__init__(device, config, crop, batch, parts=False)

    def warm_up(self) -> Dict[str, Any]:
        with recorded_views(self.model.module) as records:
            log = self.model.train_step(self.data, self.optimizer)['log_vars']
        return dict(losses={name: float(value) for name, value in log.items() if 'loss' in name},
                    labels=records[0].pseudo[0].label.numpy().astype(np.uint8))


class Waits(TrainingIteration):
    """One iteration whose operations tell when they let the host wait for the device."""

    def __init__(self, device: torch.device, config: Config, crop: int, batch: int):
        super().__init__(device, config, crop, batch, parts=False)

    def warm_up(self) -> Dict[str, Any]:
        """Count the waits of an iteration after the first ones. On a CPU nothing can wait."""
        for _ in range(self.warm_ups):
            self.run()
        if self.device.type != 'cuda':
            return dict(waits=None, places=[])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            torch.cuda.set_sync_debug_mode('warn')
            try:
                self.run()
            finally:
                torch.cuda.set_sync_debug_mode('default')
        places = [f'{Path(one.filename).name}:{one.lineno}' for one in caught
                  if 'synchroniz' in str(one.message)]
        return dict(waits=len(places), places=sorted(set(places)))


class Repeats(Workload):
    """Trainings in miniature: one that is resumed, and others with the same seed.

    Args:
        method: name of the method.
    """

    def __init__(self, device: torch.device, method: str):
        self.device, self.method = device, method

    def warm_up(self) -> Dict[str, Any]:
        """Return by name how two trainings differ, see :func:`differences`."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            drawn_data(str(root / 'data'), 6, (256, 128), 1, 1)
            config = miniature(str(root / 'data'), self.method)
            # first, because deterministic trainings change settings of CUDA for good
            free = [self._train(config, root / name, False) for name in ('free', 'free again')]
            once, again = (self._train(config, root / name, True) for name in ('once', 'again'))
            (root / 'resumed').mkdir()
            half = shutil.copy(once.with_name(f'iter_{ITERATIONS // 2}.pth'), root / 'resumed')
            resumed = self._train(config, root / 'resumed', True, half)
            return dict(pairs={
                'resumed in the middle, deterministic': differences(once, resumed),
                'same seed, deterministic': differences(once, again),
                'same seed': differences(*free)})

    def run(self) -> None:
        """Do nothing."""

    def _train(self, config: Config, folder: Path, deterministic: bool,
               resume_from: Any = None) -> Path:
        """Train, and return the last checkpoint."""
        return Path(train(config, str(folder), self.device, seed=0, deterministic=deterministic,
                          resume_from=resume_from, evaluate=False))


def miniature(folder: str, method: str) -> Config:
    """Return the config of a short training on the drawn data of a folder."""
    cfg = data_config(folder, MINIATURE, method)
    for split in (cfg.data.train.source, cfg.data.train.target):
        for step in split.pipeline:
            sizes = dict(Resize=('img_scale', (256, 128)), RandomCrop=('crop_size', cfg.crop_size),
                         Pad=('size', cfg.crop_size))
            if step['type'] in sizes:
                key, value = sizes[step['type']]
                step[key] = value
    cfg.data.workers_per_gpu = 0
    cfg.runner.max_iters = ITERATIONS
    cfg.checkpoint_config = dict(interval=ITERATIONS // 2, max_keep_ckpts=-1)
    cfg.log_config = dict(interval=ITERATIONS, hooks=[])
    cfg.report = False
    return cfg


def differences(one: os.PathLike, other: os.PathLike) -> Dict[str, float]:
    """Compare the networks and the state of two checkpoints.

    Returns:
        ``tensors``, their number, ``equal``, the number of those that are equal to the bit, and
        ``difference``, the largest difference of a floating point tensor, divided by its largest
        absolute value.
    """
    left, right = list(_tensors(one)), list(_tensors(other))
    pairs = list(zip(left, right))
    equal = sum(torch.equal(a, b) for a, b in pairs)
    apart = [float((a - b).abs().max() / b.abs().max().clamp(min=1e-12)) for a, b in pairs
             if a.is_floating_point() and a.numel()]
    return dict(equal=equal, tensors=max(len(left), len(right)), difference=max(apart))


def _tensors(path: os.PathLike) -> Iterator[Tensor]:
    content = read_checkpoint(str(path))
    for part in ('state_dict', 'training_state', 'optimizer'):
        yield from (leaf for leaf in tree_leaves(content[part]) if isinstance(leaf, Tensor))


def compared(facts: Dict[str, Any], exact: Dict[str, Any]) -> Tuple[float, float]:
    """Return the largest difference of a loss, as a share of all, and that of equal pseudo-labels.

    Args:
        facts, exact: facts of :class:`FirstIteration`.
    """
    apart = max(abs(value - exact['losses'][name]) for name, value in facts['losses'].items())
    apart /= exact['losses']['loss']
    return apart, float(np.mean(facts['labels'] == exact['labels']))
