"""Maximum squares loss on target images (Chen et al., ICCV 2019, arXiv 1909.13589).

Where the paper's formulas and its published code differ in constant factors, these are the code's:
the published weights belong to them.
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

IGNORED = -1
#: Whose prediction guides the earlier level.
GUIDES = ('mean', 'main')


@dataclass(frozen=True)
class MaximumSquaresKeys(KeyGroup):
    """MaxSquare, with image-wise weights (IW) and guidance (Multi) as they are switched on."""

    lambda_max_square: float = key(
        0., 'Weight of the maximum squares loss on target images, 0 is off.', least=0)
    image_wise_ratio: Optional[float] = key(
        None, 'Exponent of the image-wise class weights (IW, 0.2 in the paper), None is off.',
        least=0, most=1)
    guidance_weight: float = key(
        0., "Of the auxiliary head's lessons by the final prediction (Multi, 0.1 in the paper), a "
        'factor beside `lambda_max_square`; 0 is off.', least=0)
    guidance_threshold: float = key(
        0.95, 'Confidence above which a pixel is such a lesson.', least=0, most=1)
    guidance_from: str = key(
        'mean', "'mean' of both heads' probabilities, as published, or 'main', the decode head's "
        'alone.', choices=GUIDES)

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
    """Multi-level self-produced guidance: what teaches the earlier level (Sec. 3.4).

    Args:
        weight: beside the maximum squares loss, 0.1 as published.
        threshold: confidence above which a pixel counts.
        guide: 'mean': the mean of both levels' probabilities, where one of the two is confident,
            as in the published code; 'main': the final prediction alone, where it is.
    """
    weight: float = 0.1
    threshold: float = 0.95
    guide: str = 'mean'


class MaximumSquares(nn.Module):
    """Raises the squares of the probabilities on target images (Eq. 4).

    The gradient with respect to a probability grows linearly with it, where that of the entropy
    grows without bound near 0 and 1: pixels that are easy to transfer do not outweigh the others.

    Args:
        weight: of the loss, 0.1 in the paper (0.09 with guidance).
        image_wise_ratio: alpha of the image-wise class weights (Eq. 6), 0.2 in the paper; None
            weighs all pixels alike.
        guidance: of the auxiliary head by the final prediction, None is off.
    """

    def __init__(self, weight: float, image_wise_ratio: Optional[float] = None,
                 guidance: Optional[Guidance] = None):
        super().__init__()
        self.weight, self.image_wise_ratio, self.guidance = weight, image_wise_ratio, guidance

    def forward(self, logits: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """``max_square.loss.main`` and, with guidance, ``guidance.loss.aux``.

        Args:
            logits: B x K x H x W of each level ('main', 'aux'), at the images' size.
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
        """Probabilities B x K x H x W of both levels -> B x H x W classes, :data:`IGNORED`."""
        confidence, label = main.max(dim=1)
        if self.guidance.guide == 'mean':
            confidence = torch.maximum(confidence, aux.amax(dim=1))
            label = ((main + aux) / 2).argmax(dim=1)
        return torch.where(confidence > self.guidance.threshold, label, IGNORED)


def maximum_squares(probability: Tensor) -> Tensor:
    """Minus half the mean square over pixels and classes of B x K x H x W."""
    return -probability.square().mean() / 2


def image_wise_maximum_squares(probability: Tensor, ratio: float) -> Tensor:
    """The squares of each pixel weighted by how rare its class is in its image.

    Args:
        probability: B x K x H x W.
        ratio: alpha; a pixel whose most likely class is that of n among the N of its image weighs
            1 / (n^alpha N^(1 - alpha)).
    """
    batch, classes = probability.shape[:2]
    label = probability.argmax(dim=1).flatten(1)  # B x N
    counts = torch.stack([(label == c).sum(dim=1) for c in range(classes)], dim=1)
    balanced = counts.to(probability.dtype) ** ratio * label.shape[1] ** (1 - ratio)
    weight = (1 / balanced.clamp(min=1)).gather(1, label)  # B x N
    return -(probability.square().sum(dim=1).flatten(1) * weight).sum() / (batch * classes)


def guided_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Mean cross-entropy over the pixels that have a label; 0 when there is none.

    With several processes the mean is over the pixels of all: theirs average to it.
    """
    count = distributed.mean((label != IGNORED).sum().float())
    loss = F.cross_entropy(logits, label, ignore_index=IGNORED, reduction='sum')
    return loss / count.clamp(min=1 / distributed.world_size())
