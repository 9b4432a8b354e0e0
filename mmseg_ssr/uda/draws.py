"""Every random decision of a training step, in one place.

Another object with these methods can feed recorded decisions to the step. The data loader and
dropout have random numbers of their own.
"""
from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from ..utils.device import send

#: Number of values of a label. Labels are bytes: train ids, and 255 for ignore.
LABEL_VALUES = 256


class Jitter(NamedTuple):
    """Factors of one color jitter, and the order in which they are applied."""
    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: Tuple[int, ...]  # positions in (brightness, contrast, saturation, hue)


class Draws:
    """Random decisions that depend on the seed, the iteration and an image's place in the batch.

    A resumed run makes the same draws as a run without a stop. Several processes together make the
    same draws as one process with the whole batch: decisions about the batch are the same on all
    processes, and decisions about an image depend on its place in the batch of all processes.

    Args:
        seed: seed of the decisions.
    """

    def __init__(self, seed: int = 0):
        self.seed = seed
        self.start_iteration(0)

    def start_iteration(self, iteration: int, first_image: int = 0) -> None:
        """Begin the draws of an iteration.

        Args:
            iteration: number of the iteration, counted from 0.
            first_image: place of this process's first image in the batch of all processes.
        """
        self._iteration, self._first_image = iteration, first_image
        self._batch = np.random.default_rng([self.seed, iteration])
        # not [..., 0]: numpy ignores trailing zeros, so these would be the batch's draws again
        self._crops = np.random.default_rng([self.seed, iteration, 0, 1])
        self._images: Dict[int, np.random.Generator] = {}
        self._generators: Dict[int, torch.Generator] = {}

    def uniform(self) -> float:
        """Return a number in [0, 1) that decides whether the batch is augmented."""
        return self._batch.random()

    def crop_box(self, height: int, width: int, crop_size: Sequence[int],
                 divisible: int = 1) -> Tuple[int, int, int, int]:
        """Return a box (y1, y2, x1, x2) of ``crop_size`` in a batch.

        Its offsets are multiples of ``divisible``, and every position is equally likely. The
        published code never draws the last one. Crops have a generator of their own: with joint
        views they are drawn after all augmentations.
        """
        offsets = [int(self._crops.integers(max(size - crop, 0) // divisible + 1)) * divisible
                   for size, crop in zip((height, width), crop_size)]
        return offsets[0], offsets[0] + crop_size[0], offsets[1], offsets[1] + crop_size[1]

    def class_keys(self, image: int, device: torch.device) -> Tensor:
        """Return a random key for each label value.

        ClassMix takes the classes with the smallest keys.
        """
        return send(torch.from_numpy(self._image(image).random(LABEL_VALUES)), device)

    def jitter(self, image: int, ranges: Dict[str, Tuple[float, float]]) -> Jitter:
        """Return factors uniform in ``ranges``, and their random order.

        Args:
            image: place of the image in this process's batch, counted from 0.
            ranges: limits of brightness, contrast, saturation and hue.
        """
        random = self._image(image)
        factors = {name: random.uniform(*limits) for name, limits in ranges.items()}
        return Jitter(**factors, order=tuple(random.permutation(4)))

    def chance(self, image: int) -> float:
        """Return a number in [0, 1) that decides whether an image is augmented."""
        return self._image(image).random()

    def blur_sigma(self, image: int, limits: Tuple[float, float] = (0.15, 1.15)) -> float:
        """Return the standard deviation of the Gaussian blur in pixels, uniform in ``limits``."""
        return self._image(image).uniform(*limits)

    def block_grid(self, image: int, shape: Sequence[int], device: torch.device) -> Tensor:
        """Return uniform numbers in [0, 1), rows x columns, one per block of a masked image."""
        grid = self._image(image).random(tuple(shape), dtype=np.float32)
        return send(torch.from_numpy(grid), device)

    def generator(self, image: int, device: torch.device) -> torch.Generator:
        """Return a generator for what a network draws for an image itself, such as points.

        It is the same object until the next iteration, so that further views draw further numbers.
        All calls of an iteration need the same device.
        """
        if image not in self._generators:
            seeds = np.random.default_rng(
                [self.seed, self._iteration, 1 + self._first_image + image, 1])
            self._generators[image] = torch.Generator(device).manual_seed(
                int(seeds.integers(2 ** 63)))
        return self._generators[image]

    def _image(self, image: int) -> np.random.Generator:
        """Return the generator of an image of this process's batch, counted from 0."""
        if image not in self._images:
            self._images[image] = np.random.default_rng(
                [self.seed, self._iteration, 1 + self._first_image + image])
        return self._images[image]
