"""Crops of an image: boxes drawn or slid over it, cutting out, merging again."""
from typing import Sequence, Tuple

import torch
from torch import Tensor

#: Rows y1..y2 - 1 and columns x1..x2 - 1: (y1, y2, x1, x2).
Box = Tuple[int, int, int, int]


def crop(image: Tensor, box: Box) -> Tensor:
    """Cut a box out of images, labels or weights: ... x H x W -> ... x (y2 - y1) x (x2 - x1)."""
    y1, y2, x1, x2 = box
    return image[..., y1:y2, x1:x2]


def scale_box(box: Box, factor: float) -> Box:
    """Return the box in a map that is ``factor`` times smaller, rounded down."""
    y1, y2, x1, x2 = (int(edge / factor) for edge in box)
    return y1, y2, x1, x2


def random_box(height: int, width: int, crop_size: Sequence[int], divisible: int = 1) -> Box:
    """Draw a box of ``crop_size`` in an image from torch's generator.

    Its offsets are multiples of ``divisible``. It is for trainers outside of this package. The
    training step has its own draws.
    """
    top, left = (
        int(torch.randint(max(length - crop_length, 0) // divisible + 1, ())) * divisible
        for length, crop_length in zip((height, width), crop_size))
    return top, top + crop_size[0], left, left + crop_size[1]


def slide_boxes(height: int, width: int, crop_size: Sequence[int],
                stride: Sequence[int]) -> Tuple[Box, ...]:
    """Return boxes that cover an image row by row, as in mmseg's slide inference.

    All have one size. The last boxes of a row or column move back into the image. A crop that is
    larger than the image is clipped.
    """
    rows, columns = (
        slide_intervals(*lengths) for lengths in zip((height, width), crop_size, stride))
    return tuple((*row, *column) for row in rows for column in columns)


def slide_intervals(length: int, crop_length: int, stride: int) -> Sequence[Tuple[int, int]]:
    """Return the start and end of the crops that cover a length."""
    crop_length = min(crop_length, length)
    steps = -(-(length - crop_length) // stride)  # rounded up
    ends = [min(i * stride + crop_length, length) for i in range(steps + 1)]
    return [(end - crop_length, end) for end in ends]


def merge_crops(crops: Tensor, boxes: Sequence[Box], size: Sequence[int]) -> Tensor:
    """Put crops back in their places: the mean where they overlap, 0 where there is none.

    Args:
        crops: n*B x C x h x w, the B images of the first box first. Rows and columns beyond a box
            (of a clipped crop) are left out.
        boxes: the n boxes.
        size: height and width of the result.

    Returns:
        B x C x H x W.
    """
    merged = crops.new_zeros((len(crops) // len(boxes), crops.shape[1], *size))
    add_crops(merged, crops, boxes)
    return merged / coverage(boxes, size, crops).clamp(min=1)


def add_crops(merged: Tensor, crops: Tensor, boxes: Sequence[Box]) -> None:
    """Add crops (see :func:`merge_crops`) to ``merged``, B x C x H x W, in place."""
    for batch, box in zip(crops.chunk(len(boxes)), boxes):
        place = crop(merged, box)
        place += batch[..., :place.shape[-2], :place.shape[-1]]


def coverage(boxes: Sequence[Box], size: Sequence[int], like: Tensor) -> Tensor:
    """Count the boxes that cover each position: H x W, with the dtype and device of ``like``."""
    count = like.new_zeros(tuple(size))
    for box in boxes:
        place = crop(count, box)
        place += 1
    return count
