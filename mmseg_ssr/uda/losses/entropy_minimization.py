"""Entropy minimization on target images (MinEnt; ADVENT, arXiv 1811.12833, Sec. 3.1)."""
import math
from dataclasses import dataclass
from typing import Dict, Mapping, Optional

from torch import Tensor, nn

from ..keys import KeyGroup, key
from .levels import LevelWeights, check_level_weights, level_weights


@dataclass(frozen=True)
class EntropyMinimizationKeys(KeyGroup):
    """MinEnt."""

    lambda_ent: LevelWeights = key(
        None, 'Weight of the entropy of predictions for target images (MinEnt), None or 0 is off. '
        'A number is that of the decode head; `dict(main=0.001, aux=0.0002)` has one for the '
        'auxiliary head too, which counts where the student has one.')

    def check(self) -> None:
        check_level_weights('lambda_ent', self.lambda_ent)

    def build(self, student: nn.Module) -> 'Optional[EntropyMinimization]':
        weights = level_weights('lambda_ent', self.lambda_ent, student)
        return EntropyMinimization(weights) if weights else None


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
