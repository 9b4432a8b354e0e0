"""Recorded random decisions, in the place of :class:`mmseg_ssr.models.mask_former.draws.MaskDraws`.
"""
import re
from typing import Iterator, List, Sequence, Tuple

import numpy as np
import torch
from parity.cases import Case
from torch import Tensor


class RecordedMaskDraws:
    """Gives out the decisions of a case in their order.

    Args:
        case: the case.
        prefix: beginning of the names of its arrays, such as ``it0_``.
        width: width of the images in pixels.
    """

    def __init__(self, case: Case, prefix: str, width: int):
        self._arrays, self._width = case.arrays, width
        names = sorted(case.arrays, key=lambda name: [int(n) for n in re.findall(r'\d+', name)])
        self._decisions = [n for n in names if re.match(rf'{prefix}draw_\d', n)]
        self._points = [n for n in names if re.match(rf'{prefix}points_\d', n)]

    def placeholders(self, image: int, count: int, size: Tuple[int, int],
                     device: torch.device) -> Tensor:
        name = self._next('placeholder', 'randn', 'nomask')
        value = self._arrays[name]
        if name.endswith('nomask'):
            value = torch.from_numpy(value).reshape(1, *size)
        else:  # bits: a number above 0 is inside
            value = torch.from_numpy(
                np.unpackbits(value, axis=-1, count=self._width).astype(np.float32)) - 0.5
        assert value.shape == (count, *size)
        return value

    def subset(self, image: int, count: int, kept: int, device: torch.device) -> Tensor:
        flags = torch.from_numpy(self._arrays[self._next('shuffle')])
        assert len(flags) == count and int(flags.sum()) == kept
        return flags.nonzero()[:, 0]

    def permutation(self, image: int, count: int, device: torch.device) -> Tensor:
        order = torch.from_numpy(self._arrays[self._next('randperm')])
        assert len(order) == count
        return order

    def points(self, images: Sequence[int], count: int, device: torch.device) -> Tensor:
        points = torch.from_numpy(self._arrays[self._points.pop(0)])
        assert points.shape == (len(images), count, 2)
        return points

    @property
    def unused(self) -> List[str]:
        return self._decisions + self._points

    def _next(self, *kinds: str) -> str:
        name = self._decisions.pop(0)
        assert name.rpartition('_')[2] in kinds, (name, kinds)
        return name


def iteration_prefixes(case: Case) -> Iterator[str]:
    """``it0_``, ``it1_``, ... as far as they go."""
    count = 0
    while f'it{count}_labels' in case.arrays:
        yield f'it{count}_'
        count += 1
