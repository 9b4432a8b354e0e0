"""The region-based optimizer of SARFormer (Sec. 3): boxes of a detector tidy the regions."""
import torch
from torch import Tensor

from .regions import Regions

#: A region may stand out of a box by this many pixels and still lies inside of it.
TOLERANCE = 5


def tidied(regions: Regions, boxes: Tensor, of_boxes: Regions) -> Regions:
    """Replace the regions inside of a box by the region of the box.

    Args:
        regions: what the source has found.
        boxes: k x 4, (x1, y1, x2, y2) in pixels.
        of_boxes: one region for each box. They come first.

    Returns:
        ``regions`` itself if there is no box.
    """
    if not len(boxes):
        return regions
    outside = ~inside_of_any(regions.boxes, boxes)
    rest = regions.kept(outside)
    return Regions(*(torch.cat(pair) for pair in zip(of_boxes, rest)))


def inside_of_any(inner: Tensor, outer: Tensor) -> Tensor:
    """Return which boxes n x 4 lie inside of any of k x 4, with :data:`TOLERANCE` pixels more."""
    starts = inner[:, None, :2] >= outer[None, :, :2] - TOLERANCE
    ends = inner[:, None, 2:] <= outer[None, :, 2:] + TOLERANCE
    return (starts.all(-1) & ends.all(-1)).any(1)
