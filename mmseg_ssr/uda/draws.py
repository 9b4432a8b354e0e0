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
    """Factors of one color jitter and the order in which they are applied."""
    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: Tuple[int, ...]  # positions in (brightness, contrast, saturation, hue)


class Draws:
    """Decisions drawn from the seed, the iteration and the place of an image in the batch.

    A resumed run draws what it would have drawn, and several processes draw together what one
    process draws for the whole batch: what concerns the batch is the same on all of them, what
    concerns an image depends on its place in the batch of all processes.

    Args:
        seed: of the run.
    """

    def __init__(self, seed: int = 0):
        self.seed = seed
        self.start_iteration(0)

    def start_iteration(self, iteration: int, first_image: int = 0) -> None:
        """Begin the draws of an iteration, counted from 0.

        Args:
            first_image: place of this process's first image in the batch of all processes.
        """
        self._iteration, self._first_image = iteration, first_image
        self._batch = np.random.default_rng([self.seed, iteration])
        # not [..., 0]: numpy takes trailing zeros for nothing, it would be the batch's again
        self._crops = np.random.default_rng([self.seed, iteration, 0, 1])
        self._images: Dict[int, np.random.Generator] = {}

    def uniform(self) -> float:
        """In [0, 1): is an augmentation applied to the batch?"""
        return self._batch.random()

    def crop_box(self, height: int, width: int, crop_size: Sequence[int],
                 divisible: int = 1) -> Tuple[int, int, int, int]:
        """A box (y1, y2, x1, x2) of ``crop_size`` in a batch, offsets multiples of ``divisible``.

        Drawn beside the rest: with joint views all crops come after all augmentations.
        The published code never draws the last position; here every one is as likely.
        """
        offsets = [int(self._crops.integers(max(size - crop, 0) // divisible + 1)) * divisible
                   for size, crop in zip((height, width), crop_size)]
        return offsets[0], offsets[0] + crop_size[0], offsets[1], offsets[1] + crop_size[1]

    def class_keys(self, image: int, device: torch.device) -> Tensor:
        """One random key per label value; ClassMix takes the classes with the smallest keys."""
        return torch.from_numpy(self._image(image).random(LABEL_VALUES)).to(device)

    def jitter(self, image: int, ranges: Dict[str, Tuple[float, float]]) -> Jitter:
        """Factors uniform in ``ranges`` (brightness, contrast, saturation, hue), random order."""
        random = self._image(image)
        factors = {name: random.uniform(*limits) for name, limits in ranges.items()}
        return Jitter(**factors, order=tuple(random.permutation(4)))

    def blur_sigma(self, image: int) -> float:
        """Standard deviation of the Gaussian blur in pixels, uniform in [0.15, 1.15)."""
        return self._image(image).uniform(0.15, 1.15)

    def block_grid(self, image: int, shape: Sequence[int], device: torch.device) -> Tensor:
        """Uniform in [0, 1), one number per block of a masked image, rows x columns."""
        grid = self._image(image).random(tuple(shape), dtype=np.float32)
        return torch.from_numpy(grid).to(device)

    def _image(self, image: int) -> np.random.Generator:
        """The random numbers of an image of this process's batch, counted from 0."""
        if image not in self._images:
            self._images[image] = np.random.default_rng(
                [self.seed, self._iteration, 1 + self._first_image + image])
        return self._images[image]
