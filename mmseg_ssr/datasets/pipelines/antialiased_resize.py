"""Resizing as Pillow and torchvision do it, and scores at the size of the resized image."""
from typing import Any, Callable, Dict, Tuple

import mmcv
import numpy as np
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.pipelines import Resize

from ...errors import ConfigError
from ...utils.registration import register

Scale = Tuple[float, float]


@register(PIPELINES)
class AntialiasedResize(Resize):
    """mmseg's ``Resize`` with Pillow's bilinear filter, which averages where it shrinks images.

    mmseg's takes four pixels of the image for each new one. It never looks at most pixels of a
    photograph of 4000 x 3000. VFM-UDA++ resizes as here. The image keeps its aspect and fits
    into ``img_scale``. A label and a margin mask get the size of the resized image, by the nearest
    pixel, even if a label was smaller than its image.

    Args:
        img_scale: (long side, short side) in pixels. With a long side that no image reaches, the
            short side decides: ``(4096, 1024)``.
        ratio_range: range of a random factor on ``img_scale``, one draw for each image. None stands
            for the factor 1.

    Raises:
        ConfigError: ``img_scale`` or ``ratio_range`` is no pair of numbers above 0, or there is no
            scale on access.
        AssertionError: on access, the image has not 8 bits.
    """

    def __init__(self, img_scale: Any = None, ratio_range: Any = None):
        name = type(self).__name__
        for scale in img_scale if isinstance(img_scale, list) else [img_scale]:
            if scale is not None and not is_pair(scale):
                raise ConfigError(f'{name}: img_scale must be two numbers above 0, (long side, '
                                  f'short side), got {img_scale!r}')
        if ratio_range is not None and not (
                is_pair(ratio_range) and ratio_range[0] <= ratio_range[1]):
            raise ConfigError(f'{name}: ratio_range must be two numbers above 0, (least, most), '
                              f'got {ratio_range!r}')
        super().__init__(img_scale=img_scale, ratio_range=ratio_range)

    def _random_scale(self, results: Dict) -> None:
        if self.img_scale is None and self.ratio_range is None:
            raise ConfigError(f'{type(self).__name__} needs img_scale=(long side, short side) '
                              'where no step before it sets a scale')
        super()._random_scale(results)

    @staticmethod
    def random_sample_ratio(img_scale: Scale, ratio_range: Tuple[float, float]
                            ) -> Tuple[Scale, None]:
        """Draw a scale. Unlike mmseg's, its sides are no integers yet."""
        low, high = ratio_range
        ratio = np.random.random_sample() * (high - low) + low
        return (img_scale[0] * ratio, img_scale[1] * ratio), None

    @staticmethod
    def size(shape: Tuple[int, ...], scale: Scale) -> Tuple[int, int]:
        """Return (height, width) of an image of this shape that fits into ``scale``."""
        height, width = shape[:2]
        factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
        return max(round(height * factor), 1), max(round(width * factor), 1)

    def _resize_img(self, results: Dict) -> None:
        height, width = results['img'].shape[:2]
        new_height, new_width = self.size((height, width), results['scale'])
        results['img'] = resized(results['img'], (new_height, new_width), 'bilinear')
        ratios = [new_width / width, new_height / height]
        results.update(img_shape=results['img'].shape, pad_shape=results['img'].shape,
                       scale_factor=np.array(2 * ratios, np.float32), keep_ratio=True)

    def _resize_seg(self, results: Dict) -> None:
        for key in results.get('seg_fields', []):
            results[key] = resized(results[key], results['img'].shape[:2], 'nearest')


@register(PIPELINES)
class ResizeForScore(AntialiasedResize):
    """Resizes the image of a test, and lets the score be taken at this size.

    It stands behind the loading of the image. Predictions have the size of the resized image then,
    and labels are resized to it by the nearest pixel. VFM-UDA++ scores so, at a short side of 1024.
    The data set is one that ``mmseg_ssr`` builds or brings. mmseg's own test script does not resize
    the labels of mmseg's own data sets.

    Args:
        img_scale: (long side, short side) in pixels, as in :class:`AntialiasedResize`.

    Raises:
        ConfigError: ``img_scale`` is missing.
    """

    def __init__(self, img_scale: Tuple[int, int]):
        if not img_scale:
            raise ConfigError('ResizeForScore needs img_scale=(long side, short side)')
        super().__init__(img_scale=tuple(img_scale) if isinstance(img_scale, list) else img_scale)

    def __call__(self, results: Dict) -> Dict:
        results = super().__call__(results)
        results.update(ori_shape=results['img_shape'], scale_factor=1.0)
        for key in ('scale', 'scale_idx', 'keep_ratio'):  # a later resizing has its own
            results.pop(key, None)
        return results

    def label(self, label: np.ndarray) -> np.ndarray:
        """Resize a label H x W uint8 to the size at which its image is scored."""
        return resized(label, self.size(label.shape, self.img_scale[0]), 'nearest')


class ScoredLabel:
    """A step that loads a label to score on, in the size of the predictions.

    Args:
        load: takes and gives mmseg's ``results``.
        resize: the step of the pipeline that resizes the images.
    """

    def __init__(self, load: Callable[[Dict], Dict], resize: ResizeForScore):
        self.load = load
        self.resize = resize

    def __call__(self, results: Dict) -> Dict:
        results = self.load(results)
        results['gt_semantic_seg'] = self.resize.label(results['gt_semantic_seg'])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.load!r})'


def resized(image: np.ndarray, size: Tuple[int, int], interpolation: str) -> np.ndarray:
    """Resize H x W (x 3) uint8 to ``size``, (height, width), by Pillow."""
    if image.shape[:2] == tuple(size):
        return image
    return mmcv.imresize(image, size[::-1], interpolation=interpolation, backend='pillow')


def is_pair(value: Any) -> bool:
    """Whether a value is a list or tuple of two numbers above 0."""
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) and one > 0 for one in value)


def same_aspect(shape: Tuple[int, ...], other: Tuple[int, ...]) -> bool:
    """Whether two images, H x W (x 3), have one aspect, but for the rounding to whole pixels."""
    return abs(shape[0] * other[1] - shape[1] * other[0]) < max(*shape[:2], *other[:2])
