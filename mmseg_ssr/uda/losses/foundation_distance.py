"""Distance of the student's deepest features from a foundation model's (VFM-UDA++, Sec. 3)."""
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from timm.layers import LayerNorm2d
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigError
from ...regularizer import build_encoder
from ...regularizer.build import feature_channels
from ...regularizer.frozen import FrozenNetwork
from ..keys import KeyGroup, key, part
from ..student import full_precision, resized

#: Shares of the two kinds of distance.
SMOOTH_L1, COSINE = 0.1, 0.9
#: Width inside the projection / width of the student's map.
EXPANSION = 4


@dataclass(frozen=True)
class FoundationDistanceKeys(KeyGroup):
    """Keys of VFM-UDA++'s distance to a foundation model."""

    foundation_distance_lambda: float = key(
        0., 'Weight of the distance to a foundation model on a source and on a target view of '
        'their own, 0.1 in VFM-UDA++. 0 is off.', least=0)
    foundation_distance_encoder: Optional[Dict[str, Any]] = key(
        None, "The foundation model: `dict(type='timm', ...)`, `dict(type='sam', ...)` or another "
        'frozen encoder.')

    def check(self) -> None:
        encoder = self.foundation_distance_encoder
        if encoder is not None and not isinstance(encoder, dict):
            raise ConfigError("uda.foundation_distance_encoder must be dict(type='timm', ...) or "
                              f'another encoder, got {encoder!r}')
        if self.is_on and encoder is None:
            raise ConfigError('uda.foundation_distance_lambda needs foundation_distance_encoder: '
                              'give it, or set foundation_distance_lambda=0')

    @property
    def is_on(self) -> bool:
        return self.foundation_distance_lambda > 0

    def build(self, student: nn.Module) -> 'Optional[FoundationDistance]':
        """Build the distance for a student; None if it is off."""
        if not self.is_on:
            return None
        return part(FoundationDistance, build_encoder(self.foundation_distance_encoder),
                    feature_channels(student)[-1], self.foundation_distance_lambda)


class FoundationDistance(nn.Module):
    """Distance of the student's deepest map, projected, from the map of a frozen foundation model.

    The student sees an augmented image, the foundation model the image as it is. Two 1 x 1
    convolutions bring the student's map to the model's width. Then the map is resized to the
    model's. All positions count, whatever their class. The projection is trained with the student,
    and is not part of the saved one.

    Args:
        encoder: frozen encoder with ``out_channels``.
        channels: C, width of the student's deepest map.
        weight: factor of the loss, 0.1 in the paper.
    """

    def __init__(self, encoder: FrozenNetwork, channels: int, weight: float):
        super().__init__()
        self.encoder, self.weight = encoder, weight
        self.projection = nn.Sequential(
            nn.Conv2d(channels, EXPANSION * channels, 1), LayerNorm2d(EXPANSION * channels),
            nn.GELU(), nn.Conv2d(EXPANSION * channels, encoder.out_channels, 1))

    def forward(self, feature: Tensor, img: Tensor) -> Tensor:
        """Return the weighted distance, a scalar.

        Args:
            feature: B x C x h x w, the student's deepest map of the augmented image.
            img: B x 3 x H x W, the normalized image without augmentation.
        """
        reference = self.encoder(img)
        projected = resized(full_precision(self.projection(feature)), reference, False)
        return self.weight * map_distance(projected, full_precision(reference))

    @property
    def networks(self) -> List[nn.Module]:
        """The frozen network."""
        return [self.encoder.network]


def map_distance(feature: Tensor, reference: Tensor) -> Tensor:
    """Return the mean over positions of 0.1 * smooth L1 + 0.9 * (1 - cosine) of two vectors.

    Args:
        feature, reference: B x D x h x w. The smooth L1 distance (beta 1) is a mean over D.
    """
    difference = F.smooth_l1_loss(feature, reference)
    cosine = F.cosine_similarity(feature, reference, dim=1)  # B x h x w
    return SMOOTH_L1 * difference + COSINE * (1 - cosine).mean()
