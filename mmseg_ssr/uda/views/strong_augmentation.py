"""Color jitter and Gaussian blur of the mixed images (DACS, arXiv 2007.08702).

The jitter is that of the published implementations (an old kornia release): brightness is *added*,
contrast *multiplies*, saturation and hue change in HSV. torchvision's ``ColorJitter`` is another
transform.
"""
import math
from dataclasses import dataclass, replace
from typing import Dict, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import ConfigError
from ..draws import Draws, Jitter
from ..keys import KeyGroup, key

Ranges = Dict[str, Tuple[float, float]]
#: The properties that a jitter changes, in the order of recorded draws.
CHANGES = ('brightness', 'contrast', 'saturation', 'hue')
#: Standard deviations after which a Gaussian kernel ends: exp(-7 ** 2 / 2) = 2e-11.
REACH = 7


@dataclass(frozen=True)
class StrongAugmentationKeys(KeyGroup):
    """Keys of color jitter and blur of the mixed images."""

    blur: bool = key(
        True, "Blur half of the mixed batches. The 'aug' modes of `mask_mode` blur in any case.")
    color_jitter_strength: Union[float, Dict[str, float]] = key(
        0.2, 'Strength of the jitter of mixed images. Brightness, contrast and saturation change '
        'by a factor of up to 1 plus or minus this number, the hue by up to this share of a turn. '
        f'A dict gives four numbers, `{", ".join(CHANGES)}`.')
    color_jitter_probability: float = key(
        0.2, 'Colors are jittered when a uniform draw is *above* this number. So 0.2 jitters 80 % '
        'of the batches, as published.', least=0, most=1)

    def check(self) -> None:
        strengths_of(self.color_jitter_strength)

    def build(self, blur: Optional[bool] = None) -> 'StrongAugmentation':
        """Build the augmentation. A given ``blur`` replaces that of the key."""
        keys = self if blur is None else replace(self, blur=blur)
        return StrongAugmentation(keys.color_jitter_strength, keys.color_jitter_probability,
                                  keys.blur)


class StrongAugmentation:
    """Color jitter and blur for whole batches, with factors drawn for each image.

    Args:
        jitter_strength: s. The factors of brightness, contrast and saturation are uniform in
            [1 - s, 1 + s], the hue shift in [-s, s] turns. A dict gives the four strengths.
        jitter_probability: the jitter is applied when a uniform draw is *above* this number. So 0.2
            jitters 80 % of the batches, as published.
        blur: whether to blur half of the batches.

    Raises:
        ConfigError: a strength is outside [0, 1], or the hue strength is above 0.5.
    """

    def __init__(self, jitter_strength: Union[float, Dict[str, float]] = 0.2,
                 jitter_probability: float = 0.2, blur: bool = True):
        self.ranges: Ranges = {name: (-s, s) if name == 'hue' else (1 - s, 1 + s)
                               for name, s in strengths_of(jitter_strength).items()}
        self.jitter_probability = jitter_probability
        self.blur = blur

    def __call__(self, img: Tensor, mean: Tensor, std: Tensor, draws: Draws) -> Tensor:
        """Augment normalized images B x 3 x H x W; mean and std are 1 x 3 x 1 x 1 in 0..255."""
        jitter = draws.uniform() > self.jitter_probability
        blur = self.blur and draws.uniform() > 0.5
        if not (jitter or blur):
            return img
        factors, sigmas = [], []
        for i in range(len(img)):  # image by image: that is the order of the draws
            factors += [draws.jitter(i, self.ranges)] if jitter else []
            sigmas += [draws.blur_sigma(i)] if blur else []
        if jitter:
            # One at a time: each image has its own order of the changes.
            images = denormalize(img, mean, std).split(1)
            img = normalize(torch.cat([color_jitter(*pair) for pair in zip(images, factors)]),
                            mean, std)
        return gaussian_blur(img, sigmas) if blur else img


def strengths_of(strength: Union[float, Dict[str, float]]) -> Dict[str, float]:
    """Return the strength of each of the :data:`CHANGES`.

    Raises:
        ConfigError: a strength is missing or out of its range.
    """
    strengths = strength if isinstance(strength, dict) else dict.fromkeys(CHANGES, strength)
    if set(strengths) != set(CHANGES):
        raise ConfigError(f'uda.color_jitter_strength must be a number, or give {CHANGES}, got '
                          f'{tuple(strengths)}')
    if not all(0 <= s <= (0.5 if name == 'hue' else 1) for name, s in strengths.items()):
        raise ConfigError('uda.color_jitter_strength: color jitter strengths must be in [0, 1] '
                          f'(hue in [0, 0.5]), got {strength}')
    return strengths


def denormalize(img: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Bring normalized images to [0, 1]."""
    return (img * std + mean) / 255


def normalize(img: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Normalize images in [0, 1]."""
    return (img * 255 - mean) / std


def color_jitter(img: Tensor, jitter: Jitter) -> Tensor:
    """Clamp images B x 3 x H x W to [0, 1] and apply the four changes in the given order."""
    img = img.clamp(0, 1)
    changes = (
        lambda x: (x + (jitter.brightness - 1)).clamp(0, 1),
        lambda x: (x * jitter.contrast).clamp(0, 1),
        lambda x: adjust_hsv(x, saturation=jitter.saturation),
        lambda x: adjust_hsv(x, hue=jitter.hue),
    )
    for i in jitter.order:
        img = changes[i](img)
    return img


def adjust_hsv(img: Tensor, hue: float = 0., saturation: float = 1.) -> Tensor:
    """Shift the hue (in turns) and scale the saturation of images in [0, 1]."""
    value, minimum = img.amax(1), img.amin(1)
    chroma = value - minimum
    s = (chroma / (value + 1e-8) * saturation).clamp(0, 1)
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    r, g, b = ((value.unsqueeze(1) - img) / safe.unsqueeze(1)).unbind(1)
    index = img.argmax(1)  # the largest channel, the first of equal ones
    sector = torch.where(index == 0, b - g, torch.where(index == 1, 2 + r - b, 4 + g - r))
    h = (sector / 6 + hue) % 1
    # f(n) = v - v s max(0, min(k, 4 - k, 1)) with k = (n + 6 h) mod 6, n = 5, 3, 1
    # (made on the device, as a copy from the host would wait for it)
    n = torch.arange(5, 0, -2, device=img.device, dtype=img.dtype).view(1, 3, 1, 1)
    k = (n + 6 * h.unsqueeze(1)) % 6
    v, s = value.unsqueeze(1), s.unsqueeze(1)
    return v - v * s * torch.minimum(k, 4 - k).clamp(0, 1)


def blur_kernel_size(length: int) -> int:
    """Return an odd number, about a tenth of the image side: 51 pixels for 512."""
    tenth = math.ceil(0.1 * length)
    return max(1, math.floor(tenth - 0.5 + tenth % 2))


def gaussian_blur(img: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Blur images with reflected borders.

    Args:
        img: B x C x H x W.
        sigmas: standard deviation for each of the B images, in pixels.
    """
    blurred = img.flatten(0, 1)[None]
    for _ in range(2):  # along the rows and then, turned, along the columns
        blurred = _blur_rows(blurred, sigmas).transpose(2, 3)
    return blurred.contiguous().view(img.shape)


def _blur_rows(img: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Blur 1 x B*C x H x W along W, each of the B images with its own sigma."""
    channels = img.shape[1]
    weights = gaussian_weights(sigmas, blur_kernel_size(img.shape[3]), img)
    kernel = weights.repeat_interleave(channels // len(sigmas), 0)[:, None, None]
    reach = kernel.shape[3] // 2
    return F.conv2d(F.pad(img, (reach, reach, 0, 0), mode='reflect'), kernel, groups=channels)


def gaussian_weights(sigmas: Sequence[float], size: int, like: Tensor) -> Tensor:
    """Return kernels B x k of normal densities at whole pixels. Each sums to 1.

    k is odd and at most ``size``. Pixels beyond :data:`REACH` standard deviations are left out,
    because they weigh less than float32 resolves. Dtype and device are those of ``like``. No number
    passes through the host.
    """
    reach = min(size // 2, math.ceil(REACH * max(sigmas)))
    offsets = torch.arange(-reach, reach + 1, dtype=like.dtype, device=like.device)
    return torch.stack([torch.softmax(-0.5 * (offsets / sigma) ** 2, 0) for sigma in sigmas])
