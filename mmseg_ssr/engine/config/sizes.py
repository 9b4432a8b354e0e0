"""Checks of sizes: widths, strides, heads and sides of images, in whatever component they stand.

Constructors of mmseg, mmcv and SAM take any number. A wrong one shows later, in an error about
something else, or not at all.
"""
from typing import Any, Collection, Iterator, Mapping, Optional, Sequence

from .faults import Fault

#: Names of arguments that are integers of at least 1, or lists of them.
COUNTS = frozenset('''
    num_heads num_classes channels in_channels out_channels base_channels stem_channels embed_dim
    embed_dims out_chans patch_size patch_sizes sr_ratios num_layers num_stages depths stride
    strides dilation dilations kernel_size pool_scales groups crop_size hr_crop_size
    crop_coord_divisible input_size img_scale size size_divisor mask_block_size
    pretrain_img_size'''.split())
#: Those that may be 0 as well.
COUNTS_OR_NONE = frozenset('num_convs window_size crop_pseudo_margins'.split())
#: Numbers above 0.
LENGTHS = frozenset('ratio_range mlp_ratio mlp_ratios scales'.split())
#: Dicts in which the depth is a count too.
OF_A_NETWORK = ('backbone', 'encoder_args')


def size_faults(value: Mapping[str, Any], path: str, names: Sequence[str]) -> Iterator[Fault]:
    """Yield the sizes in a dict that cannot be.

    Only numbers are judged. The types of the arguments are checked elsewhere.

    Args:
        value: a dict somewhere in ``model``, ``uda`` or ``data``.
        path: path of the dict in the config.
        names: names in the path.
    """
    if names[0] not in ('model', 'uda', 'data') or names[-1] == 'test_cfg':  # has its own check
        return
    counts = COUNTS | {'depth'} if names[-1] in OF_A_NETWORK else COUNTS
    for key, item in value.items():
        wanted = _wanted(key, counts)
        wrong = next((one for one in _numbers(item) if wanted and not _fits(one, wanted)), None)
        if wrong is not None:
            of_list = '' if wrong is item else f', in {item!r}'
            yield Fault(f'{path}.{key}', f'{path}.{key} must be {wanted}, got {wrong!r}{of_list}')


AT_LEAST_1, AT_LEAST_0, ABOVE_0 = 'an integer of at least 1', 'an integer of at least 0', 'above 0'


def _wanted(key: str, counts: Collection[str]) -> Optional[str]:
    if key in counts:
        return AT_LEAST_1
    return AT_LEAST_0 if key in COUNTS_OR_NONE else ABOVE_0 if key in LENGTHS else None


def _fits(number: Any, wanted: str) -> bool:
    if wanted == ABOVE_0:
        return number > 0
    return type(number) is int and number >= (wanted == AT_LEAST_1)


def _numbers(value: Any) -> Iterator[Any]:
    """Yield the numbers in a value, also True and False, which pass for 1 and 0 in Python."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, (int, float)):
        yield value
