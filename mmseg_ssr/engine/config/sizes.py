"""Checks of sizes: widths, strides, heads and sides of images, in whatever component they stand.

Constructors of mmseg, mmcv and SAM take any number. A wrong one shows later, in an error about
something else, or not at all.
"""
from typing import Any, Collection, Iterator, Mapping, Optional, Sequence, Tuple

from mmseg.models.builder import BACKBONES, SEGMENTORS

from ...models.mask_former import Mask2Former
from ...models.vit_adapter.adapter import LARGEST_STRIDE
from .faults import Fault
from .signatures import parameters
from .values import method_config, segmentor_config, split_configs, steps_of

#: Names of arguments that are integers of at least 1, or lists of them.
COUNTS = frozenset('''
    num_heads num_classes channels in_channels out_channels base_channels stem_channels embed_dim
    embed_dims out_chans patch_size patch_sizes sr_ratios num_layers num_stages depths stride
    strides dilation dilations kernel_size pool_scales groups crop_size hr_crop_size
    crop_coord_divisible input_size img_scale size size_divisor mask_block_size
    pretrain_img_size num_queries feat_channels feedforward_channels num_points num_groups n_points
    deform_num_heads conv_inplane points_per_side points_per_batch clusters'''.split())
#: Those that may be 0 as well.
COUNTS_OR_NONE = frozenset('num_convs window_size'.split())
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


def image_size_faults(cfg: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the crops and test images that a backbone of one ``img_size`` does not take.

    Mask2Former and SARFormer pad smaller images, except in a training with ``uda``. Images that may
    be larger need windows.
    """
    segmentor = segmentor_config(cfg)
    size = only_size(segmentor.get('backbone') or {})
    if size is None:
        return
    if len(size) != 2 or any(type(side) is not int or side < 1 or side % LARGEST_STRIDE
                             for side in size):
        yield Fault('model.backbone.img_size', 'model.backbone.img_size must be one or two '
                    f'multiples of {LARGEST_STRIDE}, got {list(size)}')
        return
    kind = SEGMENTORS.get(str(segmentor.get('type')))
    pads = kind is not None and issubclass(kind, Mask2Former) and not method_config(cfg)
    for path, dataset in split_configs(cfg, 'train'):
        place, crop = _crop(dataset, path)
        if crop and not (_inside(crop, size) if pads else crop == size):
            wanted = 'at most ' * pads + f'{size}, the img_size of model.backbone'
            yield Fault(place, f'{place} must be {wanted}, got {crop}')
    test_cfg = segmentor.get('test_cfg') or cfg.get('test_cfg') or {}
    if test_cfg.get('mode', 'whole') == 'whole':
        for split in ('val', 'test'):
            for path, dataset in split_configs(cfg, split):
                yield from _whole_image_faults(dataset, path, size)


def only_size(backbone: Mapping[str, Any]) -> Optional[Tuple[int, ...]]:
    """Return (height, width) of the only images that a backbone takes, None if it takes others."""
    kind = BACKBONES.get(str(backbone.get('type')))
    if not getattr(kind, 'takes_one_size', False):
        return None
    size = backbone.get('img_size', parameters(kind)[0]['img_size'].default)
    return (size, size) if isinstance(size, int) else tuple(size)


def _crop(dataset: Mapping[str, Any], path: str) -> Tuple[str, Optional[Tuple[int, ...]]]:
    """Return the key that gives the size of training images, and the size, None if unknown."""
    found: Tuple[str, Optional[Tuple[int, ...]]] = '', None
    for place, step in steps_of(dataset.get('pipeline') or [], f'{path}.pipeline'):
        for key in ('crop_size', 'size'):
            if isinstance(step.get(key), (list, tuple)):
                found = f'{place}.{key}', tuple(step[key])
    return found


def _whole_image_faults(dataset: Mapping[str, Any], path: str, size: Tuple[int, ...]
                        ) -> Iterator[Fault]:
    for place, step in steps_of(dataset.get('pipeline') or [], f'{path}.pipeline'):
        scales = step.get('img_scale') or []
        if len(scales) == 2 and all(isinstance(side, int) for side in scales):
            scales = [scales]
        largest = max(step.get('img_ratios') or [1.])
        for scale in scales:
            # Pictures may stand upright.
            if not _inside(sorted(largest * side for side in scale), sorted(size)):
                yield Fault(f'{place}.img_scale', (
                    f'{place}.img_scale {tuple(scale)} may give images that are larger than '
                    f"{size}, the img_size of model.backbone: set model.test_cfg=dict(mode='slide'"
                    f', crop_size={size}, stride=...), or a smaller img_scale'))
                break


def _inside(lengths: Sequence[int], limits: Sequence[int]) -> bool:
    return all(length <= limit for length, limit in zip(lengths, limits))
