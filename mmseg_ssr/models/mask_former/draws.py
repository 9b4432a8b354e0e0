"""Every random decision of the heads with masks, in one place."""
from typing import Tuple

import torch
from torch import Tensor


class MaskDraws:
    """Random decisions from torch's global generator, which checkpoints save.

    Another object with these methods can feed recorded decisions.
    """

    def placeholders(self, count: int, size: Tuple[int, int], device: torch.device) -> Tensor:
        """Return normal numbers for ``count`` random regions, count x H x W."""
        return torch.randn(count, *size, device=device)

    def subset(self, count: int, kept: int, device: torch.device) -> Tensor:
        """Return which ``kept`` of ``count`` regions stay. They are sorted by area."""
        return torch.randperm(count, device=device)[:kept]

    def permutation(self, count: int, device: torch.device) -> Tensor:
        """Return for each slot of a query the region that goes there."""
        return torch.randperm(count, device=device)

    def points(self, masks: int, count: int, device: torch.device) -> Tensor:
        """Return uniform points (x, y) in [0, 1) for masks, masks x count x 2."""
        return torch.rand(masks, count, 2, device=device)
