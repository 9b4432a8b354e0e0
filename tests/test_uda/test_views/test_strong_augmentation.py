import colorsys

import pytest
import torch
from torchvision.transforms.v2 import functional as tvf

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import Draws, StrongAugmentation
from mmseg_ssr.uda.draws import Jitter
from mmseg_ssr.uda.views.strong_augmentation import (
    StrongAugmentationKeys,
    adjust_hsv,
    blur_kernel_size,
    color_jitter,
    denormalize,
    gaussian_blur,
    gaussian_weights,
    normalize,
)

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)


def test_hue_and_saturation_agree_with_colorsys():
    img = torch.rand(1, 3, 8, 8)
    img[..., 0, 0] = 0.5  # gray
    changed = adjust_hsv(img, hue=0.3, saturation=0.6)
    for y in range(8):
        for x in range(8):
            h, s, v = colorsys.rgb_to_hsv(*img[0, :, y, x].tolist())
            expected = torch.tensor(colorsys.hsv_to_rgb((h + 0.3) % 1, 0.6 * s, v))
            torch.testing.assert_close(changed[0, :, y, x], expected, atol=1e-5, rtol=0)


def test_brightness_is_added_and_contrast_multiplies():
    img = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1)
    neutral = dict(saturation=1., hue=0.)
    brighter = color_jitter(img, Jitter(1.2, 1., **neutral, order=(0, 1, 2, 3)))
    torch.testing.assert_close(brighter.flatten(), torch.tensor([0.4, 0.7, 1.0]))
    contrast = color_jitter(img, Jitter(1., 0.5, **neutral, order=(0, 1, 2, 3)))
    torch.testing.assert_close(contrast.flatten(), torch.tensor([0.1, 0.25, 0.45]))


def test_the_order_matters_and_is_kept():
    img = torch.full((1, 3, 1, 1), 0.4)
    add_first = color_jitter(img, Jitter(1.2, 0.5, 1., 0., order=(0, 1, 2, 3)))
    multiply_first = color_jitter(img, Jitter(1.2, 0.5, 1., 0., order=(1, 0, 2, 3)))
    torch.testing.assert_close(add_first, torch.full((1, 3, 1, 1), 0.3))
    torch.testing.assert_close(multiply_first, torch.full((1, 3, 1, 1), 0.4))


@pytest.mark.parametrize('length, size', [(512, 51), (1024, 103), (48, 5), (64, 7), (8, 1)])
def test_blur_kernel_is_about_a_tenth_and_odd(length, size):
    assert blur_kernel_size(length) == size


def test_blur_keeps_a_flat_image_and_spreads_a_point():
    flat = torch.full((1, 3, 64, 48), 0.7)
    torch.testing.assert_close(gaussian_blur(flat, [1.]), flat)
    point = torch.zeros(1, 1, 64, 64)
    point[..., 32, 32] = 1
    blurred = gaussian_blur(point, [1.])
    assert 0.1 < blurred[0, 0, 32, 32] < 0.2 and blurred[0, 0, 32, 33] > 0.05


@pytest.mark.parametrize('size', [(96, 160), (160, 96), (8, 64), (512, 512)])
def test_blur_is_that_of_torchvision_with_a_sigma_for_each_image(size):
    sigmas = [0.15, 1.149, 0.6]
    images = torch.randn(3, 2, *size)
    kernel = [blur_kernel_size(size[1]), blur_kernel_size(size[0])]
    expected = torch.cat([tvf.gaussian_blur(image, kernel, [sigma, sigma])
                          for image, sigma in zip(images.split(1), sigmas)])
    blurred = gaussian_blur(images, sigmas)
    assert blurred.is_contiguous()
    torch.testing.assert_close(blurred, expected, atol=1e-5, rtol=1e-5)


def test_the_tails_of_a_narrow_gaussian_are_left_out():
    like = torch.empty(0, dtype=torch.float64)
    short = gaussian_weights([1.], 51, like)
    assert short.shape == (1, 15) and gaussian_weights([1.], 5, like).shape == (1, 5)
    full = torch.exp(-torch.arange(-25., 26., dtype=torch.float64) ** 2 / 2)
    torch.testing.assert_close(short[0], (full / full.sum())[18:33], atol=1e-11, rtol=0)


class Fixed(Draws):
    def __init__(self, *uniform):
        super().__init__()
        self.values = list(uniform)

    def uniform(self):
        return self.values.pop(0)


def test_jitter_and_blur_are_decided_once_for_the_batch():
    img = torch.randn(2, 3, 32, 32)
    augment = StrongAugmentation(jitter_probability=0.2)
    assert augment(img, MEAN, STD, Fixed(0.2, 0.5)) is img
    assert not torch.allclose(augment(img, MEAN, STD, Fixed(0.3, 0.1)), img)
    blurred = augment(img, MEAN, STD, Fixed(0.1, 0.51))
    assert blurred.std() < img.std()
    off = StrongAugmentation(jitter_probability=1.0, blur=False)
    assert off(img, MEAN, STD, Fixed(0.99)) is img


def test_images_of_a_batch_get_their_own_factors():
    img = torch.randn(1, 3, 32, 32).expand(2, -1, -1, -1)
    one, two = StrongAugmentation(blur=False)(img, MEAN, STD, Fixed(0.9))
    assert not torch.allclose(one, two)


@pytest.mark.parametrize('options, message', [
    (dict(color_jitter_strength=1.5), r'in \[0, 1\]'),
    (dict(color_jitter_strength=dict(brightness=0.1)), 'must be a number, or give'),
    (dict(color_jitter_probability=2), 'probability must be in'),
])
def test_bad_values(options, message):
    with pytest.raises(ConfigError, match=message):
        StrongAugmentationKeys(**options)


def test_colors_are_those_of_0_to_255():
    img = torch.tensor([0., 1., -1.]).view(1, 3, 1, 1)
    colors = torch.tensor([123.675, 116.28 + 57.12, 103.53 - 57.375]).view(1, 3, 1, 1) / 255
    torch.testing.assert_close(denormalize(img, MEAN, STD), colors)
    torch.testing.assert_close(normalize(colors, MEAN, STD), img)


def test_colors_beyond_the_range_are_cut_off_first():
    img = torch.tensor([1.4, 0.5, -0.4]).view(1, 3, 1, 1)
    changed = color_jitter(img, Jitter(1., 0.5, 1., 0., order=(1, 0, 2, 3)))
    torch.testing.assert_close(changed.flatten(), torch.tensor([0.5, 0.25, 0.]))


def test_each_image_has_its_factors_and_its_blur():
    class Noting(Draws):
        def jitter(self, image, ranges):
            drawn.append(('jitter', image, ranges))
            return super().jitter(image, ranges)

        def blur_sigma(self, image):
            drawn.append(('blur', image))
            return super().blur_sigma(image)

        def uniform(self):
            return 0.9

    drawn = []
    augment = StrongAugmentation(dict(brightness=0.1, contrast=0.2, saturation=0.3, hue=0.4))
    augment(torch.randn(2, 3, 32, 32), MEAN, STD, Noting())
    ranges = dict(brightness=(0.9, 1.1), contrast=(0.8, 1.2), saturation=(0.7, 1.3),
                  hue=(-0.4, 0.4))
    assert drawn == [('jitter', 0, ranges), ('blur', 0), ('jitter', 1, ranges), ('blur', 1)]
