"""Every random decision of the heads with masks, in one place."""
from itertools import groupby
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor

from ...uda.draws import Draws


class MaskDraws:
    """Random decisions about the images of a batch.

    They come from torch's global generator, which checkpoints save. After :meth:`follow` they
    depend on the seed, the iteration and an image's place in the batch of all processes, as in
    :class:`~mmseg_ssr.uda.draws.Draws`. Another object with these methods can feed recorded
    decisions.

    An ``image`` is its place in the batch of this process, counted from 0.
    """

    _draws: Optional[Draws] = None

    def follow(self, draws: Optional[Draws]) -> None:
        """Take the decisions from those of a method's iterations. None returns to the generator."""
        self._draws = draws

    def placeholders(self, image: int, count: int, size: Tuple[int, int],
                     device: torch.device) -> Tensor:
        """Return normal numbers for ``count`` random regions, count x H x W."""
        return torch.randn(count, *size, device=device, generator=self._of(image, device))

    def subset(self, image: int, count: int, kept: int, device: torch.device) -> Tensor:
        """Return which ``kept`` of ``count`` regions stay. They are sorted by area."""
        return self.permutation(image, count, device)[:kept]

    def permutation(self, image: int, count: int, device: torch.device) -> Tensor:
        """Return for each slot of a query the region that goes there."""
        return torch.randperm(count, device=device, generator=self._of(image, device))

    def points(self, images: Sequence[int], count: int, device: torch.device) -> Tensor:
        """Return uniform points (x, y) in [0, 1) for masks, masks x count x 2.

        Args:
            images: the image of each mask, in ascending order.
            count: points per mask.
        """
        return torch.cat([torch.rand(len(list(masks)), count, 2, device=device,
                                     generator=self._of(image, device))
                          for image, masks in groupby(images)])

    def _of(self, image: int, device: torch.device) -> Optional[torch.Generator]:
        return None if self._draws is None else self._draws.generator(image, device)
