"""The regions of an image."""
from typing import NamedTuple

import torch
from torch import Tensor


class Regions(NamedTuple):
    """The regions that a source finds in one image. There may be none.

    Attributes:
        masks: n x H x W, bool.
        boxes: n x 4, (x1, y1, x2, y2) of the first and last pixels inside.
        scores: n, how sure the source is.
    """
    masks: Tensor
    boxes: Tensor
    scores: Tensor

    @classmethod
    def of(cls, masks: Tensor, scores: Tensor) -> 'Regions':
        """Return the regions of masks, with their bounding boxes."""
        return cls(masks, bounding_boxes(masks), scores)

    def kept(self, index: Tensor) -> 'Regions':
        """Return some of the regions."""
        return Regions(*(values[index] for values in self))


def bounding_boxes(masks: Tensor) -> Tensor:
    """Return (x1, y1, x2, y2) of the first and last pixels inside of each mask, n x 4, float32.

    An empty mask has the box 0, 0, 0, 0.
    """
    rows, columns = masks.any(2), masks.any(1)  # n x H, n x W
    edges = [first_and_last(inside) for inside in (columns, rows)]
    return torch.stack([edges[0][0], edges[1][0], edges[0][1], edges[1][1]], -1).float()


def first_and_last(inside: Tensor) -> tuple:
    """Return the first and the last true position of each row, and 0 where none is true."""
    places = torch.arange(inside.shape[1], device=inside.device)
    last = (inside * places).amax(1) if inside.shape[1] else places
    first = inside.float().argmax(1)
    return first, last
