"""Distillation between the branches: the shadow branch learns what the other one finds."""
from typing import Optional

import torch
from torch import Tensor
from torch.nn import functional as F

from ..student import full_precision


class Distillation:
    """Cross-entropy of two branches' class probabilities for one image.

    It is knowledge distillation (arXiv 1503.02531) at temperature 1. The probabilities of the
    regularization branch carry what the frozen encoder knows. They count at pixels without a
    confident pseudo-label too, but not in rows and margins of target images that are not trusted.
    Not in the paper.

    Args:
        weight: of the loss.
        ramp: iterations in which the weight rises from 0 in equal steps, because the branch knows
            little at first. 0 begins with the whole weight.
    """

    def __init__(self, weight: float, ramp: int = 0):
        self.weight, self.ramp = weight, ramp
        self.share = 1.

    def start_iteration(self, iteration: int) -> None:
        """Set the weight of an iteration, counted from 0."""
        self.share = min((iteration + 1) / self.ramp, 1.) if self.ramp else 1.

    def __call__(self, logits: Tensor, taught: Tensor, trusted: Optional[Tensor] = None) -> Tensor:
        """Return the loss, a mean over all pixels.

        Args:
            logits: B x K x h x w of the shadow branch.
            taught: B x K x h x w of the regularization branch, whose gradient ends here.
            trusted: B x H x W, bool. The others count as 0. None is everywhere.
        """
        probabilities = full_precision(taught.detach()).softmax(1)
        loss = F.cross_entropy(full_precision(logits), probabilities, reduction='none')
        if trusted is not None:
            loss = loss * F.interpolate(trusted[:, None].to(loss.dtype), loss.shape[1:])[:, 0]
        return self.share * self.weight * torch.mean(loss)
