"""Thing-class ImageNet feature distance (DAFormer, arXiv 2111.14887, Sec. 4.2)."""
from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ... import distributed
from ...labels.ignore_index import IGNORE_INDEX
from ...regularizer.frozen import FrozenNetwork
from ...utils.device import send
from ..student import full_precision


class FeatureDistance(nn.Module):
    """Distance of the student's deepest features from those of the frozen ImageNet network.

    Args:
        network: network from images to stage maps. It is frozen here, unless it is already.
        weight: factor of the loss, 0.005 in the paper.
        num_classes: number of classes in the labels.
        classes: train ids of the thing classes, at least one; None compares everywhere.
        min_ratio: share of a feature cell that one class must cover to count as that class.
        ignore_index: value of ignored pixels in the labels.

    Raises:
        ValueError: classes are given without a min_ratio in [0, 1], are empty, or are not below
            ``num_classes``.
    """

    def __init__(self, network: nn.Module, weight: float, num_classes: int,
                 classes: Optional[Sequence[int]] = None, min_ratio: Optional[float] = None,
                 ignore_index: int = IGNORE_INDEX):
        super().__init__()
        if classes is not None and (min_ratio is None or not 0 <= min_ratio <= 1):
            raise ValueError('the feature distance on chosen classes needs '
                             f'imnet_feature_dist_scale_min_ratio in [0, 1], got {min_ratio}')
        if classes is not None and not (classes and set(classes) <= set(range(num_classes))):
            raise ValueError('imnet_feature_dist_classes must be train ids from 0 to '
                             f'{num_classes - 1}, at least one, or None for everywhere, got '
                             f'{list(classes)}')
        frozen = isinstance(network, FrozenNetwork)
        self.imagenet = network if frozen else FrozenNetwork(network)
        self.weight, self.min_ratio = weight, min_ratio
        self.classes = None if classes is None else tuple(classes)
        self.num_classes, self.ignore_index = num_classes, ignore_index

    def forward(self, feature: Tensor, img: Tensor, label: Tensor,
                context: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
        """Return the weighted loss, a scalar, and whether it compares anything, a bool scalar.

        If it compares nothing, the loss is 0, with zero gradient.

        Args:
            feature: B x C x h x w, the student's deepest map of ``img``.
            img: B x 3 x H' x W', normalized, as the student's backbone saw it.
            label: B x 1 x H x W of the source image, train ids and ignore.
            context: map of the regularizer's encoder for the image, B x D x h' x w', if there is
                one.
        """
        mask = None if self.classes is None else self.thing_mask(label, feature.shape[2:])
        distance = masked_distance(*self.compared(feature, img, context), mask)
        compares = torch.ones_like(distance, dtype=torch.bool) if mask is None else mask.any()
        return self.weight * distance, compares

    def compared(self, feature: Tensor, img: Tensor,
                 context: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        """Return the student's map and its reference, of equal shape."""
        return feature, self.imagenet(img)[-1]

    def copy_student(self, encoder: nn.Module) -> None:
        """Restart the frozen network as a copy of the student's ``encoder``."""
        self.imagenet.network.load_state_dict(encoder.state_dict())

    @property
    def networks(self) -> List[nn.Module]:
        """The frozen networks that belong to this part alone."""
        return [self.imagenet.network]

    def thing_mask(self, label: Tensor, size: Sequence[int]) -> Tensor:
        """Return the cells that one thing class covers well enough, B x h x w, bool.

        Args:
            size: h and w.
        """
        factor = max(1, label.shape[3] // size[1])
        aligned = [length * factor for length in size]
        if list(label.shape[2:]) != aligned:  # a stride such as 14 does not divide the crop
            label = F.interpolate(label.float(), aligned, mode='nearest-exact')
        cells = downscale_label(label, factor, self.min_ratio, self.num_classes,
                                self.ignore_index).squeeze(1)
        return torch.isin(cells, send(torch.tensor(self.classes), label.device))


def masked_distance(feature: Tensor, reference: Tensor, mask: Optional[Tensor] = None) -> Tensor:
    """Return the mean, over the masked positions, of the L2 distance over channels.

    With several processes, the results of all processes average to the mean over the positions of
    all.

    Args:
        feature, reference: B x C x h x w.
        mask: B x h x w, bool; None is all positions. An empty mask gives 0, not NaN.
    """
    difference = full_precision(feature) - reference
    distance = torch.linalg.vector_norm(difference, dim=1)  # B x h x w
    if mask is None:
        return distance.mean()
    count = distributed.mean(mask.sum().float())
    return torch.where(mask, distance, 0).sum() / count.clamp(min=1 / distributed.world_size())


def downscale_label(label: Tensor, factor: int, min_ratio: float, num_classes: int,
                    ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Return the majority class of each ``factor`` x ``factor`` cell, ignore where it is too weak.

    Ignore counts as a class of its own. Ties go to the lowest class.

    Args:
        label: B x 1 x H x W.
        min_ratio: smallest share of a majority class.

    Returns:
        B x 1 x H // factor x W // factor, long.
    """
    classes = torch.where(label == ignore_index, num_classes, label.long()).squeeze(1)
    one_hot = F.one_hot(classes, num_classes + 1).permute(0, 3, 1, 2).float()
    ratio, majority = F.avg_pool2d(one_hot, factor).max(dim=1, keepdim=True)
    weak = (majority == num_classes) | (ratio < min_ratio)
    return majority.masked_fill(weak, ignore_index)
