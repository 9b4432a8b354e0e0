"""Sine positions of two-dimensional maps (DETR, arXiv 2005.12872, Sec. A.4)."""
import math
from typing import Tuple

import torch
from torch import Tensor

TEMPERATURE = 10000
#: Keeps the last row at a distance below one full turn, as published.
EPSILON = 1e-6


def sine_positions(size: Tuple[int, int], width: int, device: torch.device) -> Tensor:
    """Return the positions of a map of ``size`` (h, w), C x h x w, C = ``width``.

    The first half of the channels tells the row, the second half the column. Both are scaled to one
    full turn over the map.
    """
    half = width // 2
    channels = torch.arange(half, device=device)
    wavelengths = TEMPERATURE ** (2 * (channels // 2) / half)
    coordinates = []
    for length in size:
        place = torch.arange(1, length + 1, dtype=torch.float32, device=device)
        angles = (place * (2 * math.pi / (length + EPSILON))).unsqueeze(1) / wavelengths
        pairs = torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], dim=2)
        coordinates.append(pairs.flatten(1).T)  # C/2 x length
    y, x = coordinates
    height, columns = size
    return torch.cat([y[:, :, None].expand(-1, -1, columns), x[:, None].expand(-1, height, -1)])
