"""A full training iteration on made images, as a workload."""
import time
from typing import Any, Dict

import torch
from mmcv import Config

from ..engine.build import build_training_model
from ..engine.training.optimizer import build_optimizer
from ..methods.segmentor import UDASegmentor
from ..utils.device import OnDevice, to_device
from .flops import flop_counter
from .made_images import made_batch
from .measure import Workload, synchronize
from .parts import measure_parts


class TrainingIteration(Workload):
    """One iteration as the runner has it: losses, gradients, optimizer.

    Args:
        config: of the training; its data sets are not read.
        crop: side of the square images.
        batch: images of each domain.
        parts: also find out what each part of the iteration takes (one iteration more).
    """

    def __init__(self, device: torch.device, config: Config, crop: int, batch: int,
                 parts: bool = True):
        self.device = device
        self.model = OnDevice(build_training_model(config, seed=0), device)
        self.model.train()
        self.optimizer = build_optimizer(config, self.model)
        compiled = bool((config.get('uda') or {}).get('compile'))
        # an accelerator also chooses its kernels and, if asked for, records graphs of them
        self.warm_ups = int(compiled) if device.type == 'cpu' else 3
        self.parts = parts
        self.data = to_device(
            made_batch(batch, crop, config.model.decode_head.num_classes), device)

    def run(self) -> None:
        done = self.model.train_step(self.data, self.optimizer)
        if not isinstance(self.model.module, UDASegmentor):  # mmcv's optimizer hook would
            self.optimizer.zero_grad()
            done['loss'].backward()
            self.optimizer.step()

    def warm_up(self) -> Dict[str, Any]:
        """Count the arithmetic, in eager mode; what is compiled is compiled after that."""
        with flop_counter() as counter, torch.compiler.set_stance('force_eager'):
            parts = self._measure_parts(counter.get_total_flops)
        for _ in range(self.warm_ups):
            self.run()
        return dict(flops=sum(parts.values()), part_flops=parts)

    def finish(self) -> Dict[str, Any]:
        return dict(part_seconds=self._measure_parts(self._clock)) if self.parts else {}

    def _measure_parts(self, read: Any) -> Dict[str, float]:
        return measure_parts(self.model.module, self.optimizer, self.run, read)

    def _clock(self) -> float:
        synchronize(self.device)
        return time.perf_counter()
