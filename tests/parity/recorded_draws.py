"""The random decisions of a recorded run, in the place of :class:`mmseg_ssr.uda.draws.Draws`."""
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import torch
from torch import Tensor

from mmseg_ssr.uda.draws import LABEL_VALUES, Jitter

from .cases import Case


class RecordedDraws:
    """Gives out recorded decisions in their order.

    Args:
        iterations: for each iteration the decisions by kind, each a sequence: ``uniform``
            (0, "do not augment", where none are recorded), ``classes`` (the classes that ClassMix
            pastes, per image), ``jitter``, ``blur_sigma``, ``mask`` (kept pixels, B x 1 x H x W),
            ``grid`` (what block masks are thresholded from) and ``crop_box``.
    """

    def __init__(self, iterations: Sequence[Mapping[str, Sequence[Any]]]):
        self._iterations = iterations
        self.start_iteration(0)

    def start_iteration(self, iteration: int, first_image: int = 0) -> None:
        self._left: Dict[str, Iterator[Any]] = {
            kind: iter(values) for kind, values in self._iterations[iteration].items()}

    def uniform(self) -> float:
        return self._next('uniform') if 'uniform' in self._left else 0.

    def class_keys(self, image: int, device: torch.device) -> Tensor:
        keys = torch.arange(1, 1 + LABEL_VALUES, dtype=torch.float64)
        keys[list(self._next('classes'))] -= LABEL_VALUES
        return keys.to(device)

    def jitter(self, image: int, ranges: Dict[str, Tuple[float, float]]) -> Jitter:
        return self._next('jitter')

    def blur_sigma(self, image: int) -> float:
        return self._next('blur_sigma')

    def block_grid(self, image: int, shape: Sequence[int], device: torch.device) -> Tensor:
        """The recorded grid, or one of 0 (hides) and 1 (keeps) that gives the recorded mask."""
        kind = 'grid' if 'grid' in self._left else 'mask'
        if image == 0:
            self._recorded = self._next(kind)
        recorded = self._recorded[image, 0]
        if kind == 'grid':
            return recorded.to(device)
        rows, columns = (
            (torch.arange(blocks) * 2 + 1) * length // (2 * blocks)  # the middle of each block
            for blocks, length in zip(shape, recorded.shape))
        return recorded[rows][:, columns].to(device, torch.float32)

    def crop_box(self, height: int, width: int, crop_size: Sequence[int],
                 divisible: int = 1) -> Tuple[int, int, int, int]:
        return tuple(int(edge) for edge in self._next('crop_box'))

    def unused(self) -> List[str]:
        """Kinds of which the iteration has not used all that was recorded."""
        return [kind for kind, values in self._left.items() if next(values, None) is not None]

    def _next(self, kind: str) -> Any:
        try:
            return next(self._left[kind])
        except (KeyError, StopIteration):
            raise AssertionError(f'the step draws more of {kind} than was recorded') from None


def recorded_draws(case: Case) -> RecordedDraws:
    """The decisions of a training case."""
    iterations = []
    for i in range(case.facts['iterations']):
        decisions: Dict[str, Sequence[Any]] = {}
        classes = case.facts['decisions'][i].get('classes')
        if classes is not None:
            decisions['classes'] = classes
        if 'mic_mask' in case:
            decisions['mask'] = [case.tensor('mic_mask')[i].unsqueeze(1)]
        if 'crop_boxes' in case:
            decisions['crop_box'] = case.arrays['crop_boxes'][i]
        iterations.append(decisions)
    return RecordedDraws(iterations)
