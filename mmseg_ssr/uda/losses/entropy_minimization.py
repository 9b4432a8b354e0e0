"""Entropy minimization on target images (MinEnt; ADVENT, arXiv 1811.12833, Sec. 3.1)."""
import math
from dataclasses import dataclass
from typing import Dict, Mapping, Optional

from torch import Tensor, nn

from ..keys import KeyGroup, key
from .levels import LevelWeights, check_level_weights, level_weights


@dataclass(frozen=True)
class EntropyMinimizationKeys(KeyGroup):
    """Keys of MinEnt."""

    lambda_ent: LevelWeights = key(
        None, 'Weight of the entropy of predictions for target images (MinEnt). None or 0 is off. '
        'A number is the weight of the decode head. `dict(main=0.001, aux=0.0002)` adds one for '
        'the auxiliary head, if the student has one.')

    def check(self) -> None:
        check_level_weights('lambda_ent', self.lambda_ent)

    def build(self, student: nn.Module) -> 'Optional[EntropyMinimization]':
        weights = level_weights('lambda_ent', self.lambda_ent, student)
        return EntropyMinimization(weights) if weights else None


class EntropyMinimization(nn.Module):
    """Entropy loss that makes the predictions for target images confident (Eq. 3).

    The entropy of a pixel is divided by that of the uniform distribution, so that 1 is the largest
    value. The loss is the mean over all pixels.

    Args:
        weights: weights of the loss by level of the student ('main', 'aux').
    """

    def __init__(self, weights: Mapping[str, float]):
        super().__init__()
        self.weights = dict(weights)

    def forward(self, logits: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """Return ``ent.loss.LEVEL``.

        Args:
            logits: B x K x H x W of each level, at the size of the images.
        """
        return {f'ent.loss.{level}': weight * entropy(logits[level]).mean()
                for level, weight in self.weights.items()}


def entropy(logits: Tensor) -> Tensor:
    """Return the normalized entropy in [0, 1] of each pixel; B x K x H x W -> B x H x W."""
    log_probability = logits.log_softmax(dim=1)
    return -(log_probability.exp() * log_probability).sum(dim=1) / math.log(logits.shape[1])
