"""Checks of ``test_cfg``, the dict that tells a segmentor how to predict."""
from typing import Any, Iterator, Mapping, Sequence

from ...errors import ConfigError, nearest
from ...uda.update.optimization import PRECISIONS
from .types import fits

MODES = ('whole', 'slide')
AVERAGES = ('logit', 'probability')


def check_test_cfg(test_cfg: Mapping[str, Any], path: str = 'test_cfg') -> None:
    """Raise a :class:`ConfigError` if values of ``test_cfg`` are not valid.

    Args:
        test_cfg: the dict.
        path: path of the dict in its config, for the message.
    """
    problems = [f'{path}.{line}' for line in _problems(test_cfg, path)]
    if problems:
        raise ConfigError(*problems)


def _problems(test_cfg: Mapping[str, Any], path: str) -> Iterator[str]:
    mode = test_cfg.get('mode', 'whole')
    if mode not in MODES:
        yield f'mode must be whole or slide, got {mode!r}{nearest(mode, MODES)}'
    if mode == 'slide':
        yield from _window_problems(test_cfg, path)
    batched = test_cfg.get('batched_slide', False)
    if not isinstance(batched, int) or batched < 0:
        yield ('batched_slide must be the number of windows that go through the network at once, '
               f'True for all, or False, got {batched!r}')
    average = test_cfg.get('average', 'logit')
    if average not in AVERAGES:
        yield f'average must be logit or probability, got {average!r}{nearest(average, AVERAGES)}'
    amp = test_cfg.get('amp')
    if amp is not None and amp not in [dict(dtype=name) for name in PRECISIONS]:
        yield f"amp must be dict(dtype='bfloat16') or dict(dtype='float16'), got {amp!r}"
    shift = test_cfg.get('logit_shift')
    if shift is not None and not fits(shift, Sequence[float]):
        yield f'logit_shift must be a list of a number for each class, got {shift!r}'
    if not isinstance(test_cfg.get('compile', False), bool):
        yield f'compile must be True or False, got {test_cfg["compile"]!r}'


def _window_problems(test_cfg: Mapping[str, Any], path: str) -> Iterator[str]:
    pairs = {key: test_cfg.get(key) for key in ('crop_size', 'stride')}
    wrong = [key for key, value in pairs.items() if not (
        isinstance(value, (list, tuple)) and len(value) == 2
        and all(isinstance(length, int) and length > 0 for length in value))]
    for key in wrong:
        yield f"{key} must be (height, width) in pixels for mode='slide', got {pairs[key]!r}"
    crop, stride = pairs.values()
    if not wrong and any(step > length for step, length in zip(stride, crop)):
        yield (f'stride {list(stride)} leaves gaps between windows of {path}.crop_size '
               f'{list(crop)}: make it smaller')
