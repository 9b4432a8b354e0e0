"""Entropy minimization on target images (MinEnt; ADVENT, arXiv 1811.12833, Sec. 3.1)."""
import math
from typing import Dict, Mapping

from torch import Tensor, nn


class EntropyMinimization(nn.Module):
    """Makes the predictions for target images sure of themselves (Eq. 3).

    The entropy is divided by that of the uniform distribution, so that 1 is the largest; the loss
    is its mean over all pixels.

    Args:
        weights: of the loss, for each of the student's levels ('main', 'aux').
    """

    def __init__(self, weights: Mapping[str, float]):
        super().__init__()
        self.weights = dict(weights)

    def forward(self, logits: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """``ent.loss.LEVEL``, from logits B x K x H x W of each level, at the images' size."""
        return {f'ent.loss.{level}': weight * entropy(logits[level]).mean()
                for level, weight in self.weights.items()}


def entropy(logits: Tensor) -> Tensor:
    """Normalized entropy in [0, 1] of each pixel; B x K x H x W -> B x H x W."""
    log_probability = logits.log_softmax(dim=1)
    return -(log_probability.exp() * log_probability).sum(dim=1) / math.log(logits.shape[1])
