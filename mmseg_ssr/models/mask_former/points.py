"""Points at which masks are compared (PointRend, arXiv 1912.08193, Sec. 3.1)."""
from typing import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .draws import MaskDraws


def sample_points(maps: Tensor, points: Tensor, mode: str = 'bilinear') -> Tensor:
    """Read maps at points, with zeros outside.

    Args:
        maps: N x H x W.
        points: P x 2, shared by all maps, or N x P x 2, (x, y) in 0..1.
        mode: 'bilinear', or 'nearest' without zeros outside.

    Returns:
        N x P.
    """
    grid = 2 * points - 1
    padding = 'border' if mode == 'nearest' else 'zeros'
    if points.dim() == 2:
        read = F.grid_sample(maps[None], grid[None, None], mode, padding, align_corners=False)
        return read[0, :, 0]
    read = F.grid_sample(maps[:, None], grid[:, None], mode, padding, align_corners=False)
    return read[:, 0, 0]


def uncertain_points(masks: Tensor, images: Sequence[int], count: int, oversample_ratio: float,
                     importance_ratio: float, draws: MaskDraws) -> Tensor:
    """Return points for each mask, most of them where the mask is undecided, N x ``count`` x 2.

    Args:
        masks: logits N x h x w.
        images: the image of each mask, in ascending order.
        count: points per mask.
        oversample_ratio: candidates / ``count``.
        importance_ratio: share of the points that are the most uncertain candidates. The others are
            uniform.
    """
    with torch.no_grad():
        candidates = draws.points(images, int(count * oversample_ratio), masks.device)
        certain = sample_points(masks, candidates).abs()
        chosen = int(importance_ratio * count)
        index = certain.topk(chosen, dim=1, largest=False).indices
        points = candidates.gather(1, index.unsqueeze(-1).expand(-1, -1, 2))
        if chosen < count:
            others = draws.points(images, count - chosen, masks.device)
            points = torch.cat([points, others], dim=1)
    return points
