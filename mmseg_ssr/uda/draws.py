"""Every random decision of a training step, in one place.

Recorded decisions can be fed in by giving the step another object with these methods; what the
data loader and dropout draw is not part of it.
"""
from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

#: Labels are bytes: train ids and 255 for ignore.
LABEL_VALUES = 256


class Jitter(NamedTuple):
    """Factors of one colour jitter and the order in which they are applied."""
    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: Tuple[int, ...]  # positions in (brightness, contrast, saturation, hue)


class Draws:
    """Decisions drawn from (seed, rank, iteration): a resumed run draws what it would have drawn.

    Args:
        seed: of the run.
        rank: of the process, so that processes draw differently.
    """

    def __init__(self, seed: int = 0, rank: int = 0):
        self.seed, self.rank = seed, rank
        self.start_iteration(0)

    def start_iteration(self, iteration: int) -> None:
        """Begin the draws of an iteration, counted from 0."""
        self._random = np.random.default_rng([self.seed, self.rank, iteration])

    def uniform(self) -> float:
        """In [0, 1): is an augmentation applied?"""
        return self._random.random()

    def class_keys(self, device: torch.device) -> Tensor:
        """One random key per label value; ClassMix takes the classes with the smallest keys."""
        return torch.from_numpy(self._random.random(LABEL_VALUES)).to(device)

    def jitter(self, ranges: Dict[str, Tuple[float, float]]) -> Jitter:
        """Factors uniform in ``ranges`` (brightness, contrast, saturation, hue), random order."""
        factors = {name: self._random.uniform(*limits) for name, limits in ranges.items()}
        return Jitter(**factors, order=tuple(self._random.permutation(4)))

    def blur_sigma(self) -> float:
        """Standard deviation of the Gaussian blur in pixels, uniform in [0.15, 1.15)."""
        return self._random.uniform(0.15, 1.15)

    def block_grid(self, shape: Sequence[int], device: torch.device) -> Tensor:
        """Uniform in [0, 1), one number per block of a masked image."""
        return torch.from_numpy(self._random.random(tuple(shape), dtype=np.float32)).to(device)

    def crop_box(self, height: int, width: int, crop_size: Sequence[int],
                 divisible: int = 1) -> Tuple[int, int, int, int]:
        """A box (y1, y2, x1, x2) of ``crop_size`` in an image, offsets multiples of ``divisible``.

        The published code never draws the last position; here every one is as likely.
        """
        offsets = [int(self._random.integers(max(size - crop, 0) // divisible + 1)) * divisible
                   for size, crop in zip((height, width), crop_size)]
        return offsets[0], offsets[0] + crop_size[0], offsets[1], offsets[1] + crop_size[1]
