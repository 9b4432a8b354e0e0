"""A feature distance to a frozen foundation encoder instead of the ImageNet network."""
from typing import List, Optional, Sequence, Tuple

from torch import Tensor, nn
from torch.nn import functional as F

from ...labels.ignore_index import IGNORE_INDEX
from ...regularizer.frozen import FrozenNetwork
from .feature_distance import FeatureDistance


class EncoderDistance(FeatureDistance):
    """Distance of the student's deepest features, projected, from the map of a frozen encoder.

    The encoder (SAM, DINOv2, ...) has channels and a stride of its own. A trained 1 x 1 convolution
    brings the student's channels to the encoder's. The encoder's map is resized (bilinear,
    antialiased) to the student's. The rest is DAFormer's feature distance. The convolution is not
    part of the saved student.

    Args:
        encoder: frozen encoder with ``out_channels``.
        channels: width of the student's deepest map.
        shared: whether the encoder is the regularizer's. Its map then comes as ``context``, and it
            does not run a second time.
        weight, num_classes, classes, min_ratio, ignore_index: as in :class:`FeatureDistance`.
    """

    def __init__(self, encoder: FrozenNetwork, channels: int, shared: bool, weight: float,
                 num_classes: int, classes: Optional[Sequence[int]] = None,
                 min_ratio: Optional[float] = None, ignore_index: int = IGNORE_INDEX):
        super().__init__(encoder, weight, num_classes, classes, min_ratio, ignore_index)
        self.shared = shared
        self.projection = nn.Conv2d(channels, encoder.out_channels, 1)

    def compared(self, feature: Tensor, img: Tensor,
                 context: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        reference = context if self.shared else self.imagenet(img)
        reference = F.interpolate(reference, feature.shape[2:], mode='bilinear', antialias=True)
        return self.projection(feature), reference

    def copy_student(self, encoder: nn.Module) -> None:
        """Do nothing: the encoder has weights of its own."""

    @property
    def networks(self) -> List[nn.Module]:
        return [] if self.shared else super().networks
