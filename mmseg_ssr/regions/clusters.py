"""Regions without a mask decoder: clusters of a frozen encoder's map, for small images."""
from typing import Optional, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError
from ..regularizer.sam_encoder import SHIPPED, FrozenSAMEncoder
from ..regularizer.timm_encoder import MEAN, STD
from .regions import Regions
from .source import RegionSource, register_region_source

#: Rounds of k-means. The assignment hardly changes after these.
ROUNDS = 10


@register_region_source('mini')
class ClusterRegions(RegionSource):
    """Connected parts of clusters of the map of a small SAM encoder. It is no method of the paper.

    SAM is too large for minutes on a CPU. This source clusters the features of the encoder that
    comes with this package (k-means from a fixed start), and assigns each pixel to a cluster. Each
    connected part of a cluster is a region.

    Args:
        checkpoint: file of the encoder's weights; 'shipped' takes those of this package, None
            random ones.
        clusters: number of clusters.
        min_area: regions of fewer pixels are dropped.
        input_size: side of the square images that the encoder sees, in pixels.
        mean, std: numbers that normalized the incoming images, RGB in 0..255.

    Raises:
        ConfigError: a number is out of its bounds.
        MissingFile, CheckpointError: the weights are missing or do not fit.
    """

    def __init__(self,
                 checkpoint: Optional[str] = SHIPPED,
                 *,
                 clusters: int = 12,
                 min_area: int = 30,
                 input_size: int = 128,
                 mean: Sequence[float] = MEAN,
                 std: Sequence[float] = STD):
        if clusters < 1:
            raise ConfigError(f'regions.clusters must be at least 1, got {clusters}')
        super().__init__(FrozenSAMEncoder('mini', checkpoint=checkpoint, input_size=input_size),
                         mean, std)
        self.clusters, self.min_area = clusters, min_area
        scale = torch.tensor(STD).view(3, 1, 1)
        self.register_buffer('own_mean', torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer('own_std', scale, persistent=False)

    def regions_of(self, img: Tensor) -> Regions:
        """Return the connected parts of the clusters, largest first."""
        cells = self.network(((img - self.own_mean) / self.own_std)[None])
        cells = F.normalize(cells - cells.mean((2, 3), keepdim=True), dim=1)
        centers = k_means(cells[0].flatten(1).T, self.clusters)
        pixels = F.interpolate(cells, img.shape[1:], mode='bilinear', align_corners=False)[0]
        nearest = torch.cdist(pixels.flatten(1).T, centers).argmin(1)
        labels = nearest.view(img.shape[1:])
        masks = connected_parts(labels, self.min_area)
        areas = masks.flatten(1).sum(1)
        order = areas.argsort(descending=True, stable=True)
        return Regions.of(masks[order], areas[order].float() / labels.numel())


def k_means(points: Tensor, count: int) -> Tensor:
    """Return the centers of clusters of points N x C, ``count`` x C.

    The first centers are far apart: each is the point that is farthest from those before it. So
    nothing is random.
    """
    centers = points[:1]
    for _ in range(count - 1):
        farthest = torch.cdist(points, centers).amin(1).argmax()
        centers = torch.cat([centers, points[farthest][None]])
    for _ in range(ROUNDS):
        labels = torch.cdist(points, centers).argmin(1)
        inside = F.one_hot(labels, len(centers)).to(points.dtype)
        sizes = inside.sum(0).unsqueeze(1)
        centers = torch.where(sizes > 0, inside.T @ points / sizes.clamp(min=1), centers)
    return centers


def connected_parts(labels: Tensor, min_area: int) -> Tensor:
    """Return the connected parts of each label, n x H x W bool. Small ones are left out."""
    from scipy import ndimage  # takes long to import
    masks = [torch.zeros(0, *labels.shape, dtype=torch.bool)]
    for value in labels.unique():
        parts, count = ndimage.label((labels == value).cpu().numpy())
        found = torch.from_numpy(parts) == torch.arange(1, count + 1)[:, None, None]
        masks.append(found[found.flatten(1).sum(1) >= min_area])
    return torch.cat(masks).to(labels.device)
