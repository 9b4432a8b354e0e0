"""Maximum squares loss on target images (Chen et al., ICCV 2019, arXiv 1909.13589).

The paper's formulas and its published code differ in constant factors. Those of the code are used
here, because the published weights belong to them.
"""
from dataclasses import dataclass
from typing import Dict, Mapping, NamedTuple, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ... import distributed
from ...errors import ConfigError
from .. import student as student_interface
from ..keys import KeyGroup, key

#: Value of the pixels that guide nothing.
IGNORED = -1
#: Predictions that can guide the auxiliary head.
GUIDES = ('mean', 'main')


@dataclass(frozen=True)
class MaximumSquaresKeys(KeyGroup):
    """Keys of MaxSquare, of its image-wise weights (IW) and of its guidance (Multi)."""

    lambda_max_square: float = key(
        0., 'Weight of the maximum squares loss on target images. 0 is off.', least=0)
    image_wise_ratio: Optional[float] = key(
        None, 'Exponent of the image-wise class weights (IW), 0.2 in the paper. None is off.',
        least=0, most=1)
    guidance_weight: float = key(
        0., 'Weight of the loss by which the final prediction guides the auxiliary head (Multi), '
        '0.1 in the paper. It is multiplied by `lambda_max_square`. 0 is off.', least=0)
    guidance_threshold: float = key(
        0.95, 'Confidence above which a pixel guides the auxiliary head.', least=0, most=1)
    guidance_from: str = key(
        'mean', "Prediction that guides: 'mean' of both heads' probabilities, as published, or "
        "'main', the decode head's alone.", choices=GUIDES)

    def build(self, student: nn.Module) -> 'Optional[MaximumSquares]':
        if self.lambda_max_square == 0:
            return None
        guidance = None
        if self.guidance_weight:
            heads = list(student_interface.heads(student))
            if 'aux' not in heads:
                raise ConfigError('uda.guidance_weight: guidance needs one auxiliary head, '
                                  'model.auxiliary_head=dict(...) and no list, the student has '
                                  f'{", ".join(heads[1:]) or "none"}: give one, or set it to 0')
            guidance = Guidance(self.guidance_weight, self.guidance_threshold, self.guidance_from)
        return MaximumSquares(self.lambda_max_square, self.image_wise_ratio, guidance)


class Guidance(NamedTuple):
    """Multi-level self-produced guidance: labels for the auxiliary head (Sec. 3.4).

    Args:
        weight: factor of its loss beside that of the maximum squares loss, 0.1 as published.
        threshold: confidence above which a pixel counts.
        guide: 'mean' takes the mean of both levels' probabilities where one of them is confident,
            as in the published code. 'main' takes the final prediction where it is confident.
    """
    weight: float = 0.1
    threshold: float = 0.95
    guide: str = 'mean'


class MaximumSquares(nn.Module):
    """Loss that raises the squares of the probabilities on target images (Eq. 4).

    Its gradient with respect to a probability grows linearly with the probability. That of the
    entropy grows without bound near 0 and 1. So pixels that are easy to transfer do not outweigh
    the others.

    Args:
        weight: factor of the loss, 0.1 in the paper (0.09 with guidance).
        image_wise_ratio: alpha of the image-wise class weights (Eq. 6), 0.2 in the paper; None
            gives all pixels the same weight.
        guidance: guidance of the auxiliary head by the final prediction; None is off.
    """

    def __init__(self, weight: float, image_wise_ratio: Optional[float] = None,
                 guidance: Optional[Guidance] = None):
        super().__init__()
        self.weight, self.image_wise_ratio, self.guidance = weight, image_wise_ratio, guidance

    def forward(self, logits: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """Return ``max_square.loss.main`` and, with guidance, ``guidance.loss.aux``.

        Args:
            logits: B x K x H x W of each level ('main', 'aux'), at the size of the images.
        """
        probability = logits['main'].softmax(dim=1)
        loss = maximum_squares(probability) if self.image_wise_ratio is None else \
            image_wise_maximum_squares(probability, self.image_wise_ratio)
        losses = {'max_square.loss.main': self.weight * loss}
        if self.guidance is not None:
            label = self.guiding_label(probability.detach(), logits['aux'].detach().softmax(dim=1))
            losses['guidance.loss.aux'] = \
                self.weight * self.guidance.weight * guided_loss(logits['aux'], label)
        return losses

    def guiding_label(self, main: Tensor, aux: Tensor) -> Tensor:
        """Return the guiding classes, B x H x W, :data:`IGNORED` where there is none.

        Args:
            main, aux: probabilities B x K x H x W of both levels.
        """
        confidence, label = main.max(dim=1)
        if self.guidance.guide == 'mean':
            confidence = torch.maximum(confidence, aux.amax(dim=1))
            label = ((main + aux) / 2).argmax(dim=1)
        return torch.where(confidence > self.guidance.threshold, label, IGNORED)


def maximum_squares(probability: Tensor) -> Tensor:
    """Return minus half the mean square over pixels and classes of B x K x H x W."""
    return -probability.square().mean() / 2


def image_wise_maximum_squares(probability: Tensor, ratio: float) -> Tensor:
    """Return the loss with the squares of a pixel weighted by how rare its class is in its image.

    Args:
        probability: B x K x H x W.
        ratio: alpha in [0, 1]. If n of the N pixels of an image share a most likely class, each of
            them has the weight 1 / (n^alpha N^(1 - alpha)).
    """
    batch, classes = probability.shape[:2]
    label = probability.argmax(dim=1).flatten(1)  # B x N
    counts = torch.stack([(label == c).sum(dim=1) for c in range(classes)], dim=1)
    balanced = counts.to(probability.dtype) ** ratio * label.shape[1] ** (1 - ratio)
    weight = (1 / balanced.clamp(min=1)).gather(1, label)  # B x N
    return -(probability.square().sum(dim=1).flatten(1) * weight).sum() / (batch * classes)


def guided_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Return the mean cross-entropy over the pixels that have a label; 0 if there are none.

    With several processes, the results of all processes average to the mean over the pixels of all.
    """
    count = distributed.mean((label != IGNORED).sum().float())
    loss = F.cross_entropy(logits, label, ignore_index=IGNORED, reduction='sum')
    return loss / count.clamp(min=1 / distributed.world_size())
