"""Color jitter, gray and blur for each image on its own, as torchvision defines them.

VFM-UDA++ (arXiv 2503.10685) augments its views so, each with strengths of its own. The older
augmentation of mixed images (:mod:`.strong_augmentation`) decides for a whole batch, and adds
brightness instead of multiplying it.
"""
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence

import torch
from torch import Tensor
from torchvision.transforms import functional

from ...errors import ConfigError, Problems
from ..draws import Draws, Jitter
from ..keys import KeyGroup, check_dict, check_value, key, part
from .strong_augmentation import CHANGES, Ranges, denormalize, gaussian_blur, normalize

PROBABILITIES = ('jitter_probability', 'gray_probability', 'blur_probability')
OPTIONS = (*CHANGES, *PROBABILITIES, 'blur_sigma')
MEANING = ('`dict(brightness=..., contrast=..., saturation=..., hue=..., jitter_probability=..., '
           'gray_probability=..., blur_probability=..., blur_sigma=(low, high))`')


@dataclass(frozen=True)
class PhotometricKeys(KeyGroup):
    """Keys of the augmentations for each image on its own, as VFM-UDA++ has them."""

    source_augmentation: Optional[Dict[str, Any]] = key(
        None, f'Augmentation of the source view: {MEANING}. What is not given is 0, and '
        '`blur_sigma` is `(0.15, 1.15)` pixels. None changes nothing. Source images that are mixed '
        'or masked stay as they are.')
    target_augmentation: Optional[Dict[str, Any]] = key(
        None, 'Augmentation of target images before ClassMix, and of the images of the '
        '`foundation_distance`, in the form of `source_augmentation`. The teacher labels images '
        'without it.')
    mix_augmentation: Optional[Dict[str, Any]] = key(
        None, "Augmentation of the mixed view, and of the 'aug' modes of `mask_mode`, in the form "
        'of `source_augmentation`. It replaces `color_jitter_strength`, '
        '`color_jitter_probability` and `blur`. None keeps these.')

    def check(self) -> None:
        problems = Problems()
        for name in ('source_augmentation', 'target_augmentation', 'mix_augmentation'):
            problems.tried(check_augmentation, name, getattr(self, name))
        problems.report()

    def build(self, name: str) -> 'Optional[PhotometricAugmentation]':
        """Build an augmentation, None if it is off.

        Args:
            name: 'source', 'target' or 'mix'.
        """
        options = getattr(self, f'{name}_augmentation')
        return None if options is None else part(PhotometricAugmentation, **options)


def check_augmentation(name: str, options: Optional[Dict[str, Any]]) -> None:
    """Raise a :class:`ConfigError` unless the options of an augmentation are valid."""
    check_dict(name, options, OPTIONS)
    for option, value in (options or {}).items():
        place = f'uda.{name}.{option}'
        if option == 'blur_sigma':
            check_sigma(place, value)
        else:
            check_value(place, value, (), dict(least=0, most=0.5 if option == 'hue' else 1))


def check_sigma(place: str, value: Any) -> None:
    """Raise a :class:`ConfigError` unless the value is a range of numbers above 0."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ConfigError(f'{place} must be two numbers (low, high) in pixels, got {value!r}')
    for number in value:
        check_value(place, number, (), dict(above=0))
    if value[0] > value[1]:
        raise ConfigError(f'{place} must be (low, high), got {value!r}')


class PhotometricAugmentation:
    """Jitter, then gray, then blur. Each is decided and drawn for every image on its own.

    Args:
        brightness, contrast, saturation: s in [0, 1]. Factors are uniform in [1 - s, 1 + s].
        hue: h in [0, 0.5]. The shift is uniform in [-h, h] turns.
        jitter_probability: share of the images whose colors are jittered.
        gray_probability: share of the images that lose their colors.
        blur_probability: share of the images that are blurred. The kernel is a tenth of the side.
        blur_sigma: lowest and highest standard deviation of the blur in pixels.
    """

    def __init__(self, brightness: float = 0., contrast: float = 0., saturation: float = 0.,
                 hue: float = 0., jitter_probability: float = 0., gray_probability: float = 0.,
                 blur_probability: float = 0., blur_sigma: Sequence[float] = (0.15, 1.15)):
        strengths = dict(brightness=brightness, contrast=contrast, saturation=saturation)
        self.ranges: Ranges = {name: (1 - s, 1 + s) for name, s in strengths.items()}
        self.ranges['hue'] = (-hue, hue)
        self.jitter_probability = jitter_probability
        self.gray_probability = gray_probability
        self.blur_probability, self.blur_sigma = blur_probability, tuple(blur_sigma)

    def __call__(self, img: Tensor, mean: Tensor, std: Tensor, draws: Draws) -> Tensor:
        """Augment normalized images B x 3 x H x W; mean and std are 1 x 3 x 1 x 1 in 0..255."""
        images = denormalize(img, mean, std).split(1)
        augmented = torch.cat([self._augmented(i, one, draws) for i, one in enumerate(images)])
        return normalize(augmented, mean, std)

    def _augmented(self, i: int, img: Tensor, draws: Draws) -> Tensor:
        """Augment the ``i``-th image of the batch, 1 x 3 x H x W in [0, 1]."""
        if draws.chance(i) < self.jitter_probability:
            img = color_jitter(img, draws.jitter(i, self.ranges))
        if draws.chance(i) < self.gray_probability:
            img = functional.rgb_to_grayscale(img, num_output_channels=3)
        if draws.chance(i) < self.blur_probability:
            img = gaussian_blur(img, [draws.blur_sigma(i, self.blur_sigma)])
        return img


def color_jitter(img: Tensor, jitter: Jitter) -> Tensor:
    """Apply torchvision's four changes to images ... x 3 x H x W in [0, 1], in the given order."""
    changes = (functional.adjust_brightness, functional.adjust_contrast,
               functional.adjust_saturation, functional.adjust_hue)
    img = img.clamp(0, 1)  # the padding may lie outside by rounding
    for i in jitter.order:
        img = changes[i](img, jitter[i])
    return img
