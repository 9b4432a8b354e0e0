"""Jitter, gray and blur of single images, against torchvision's own."""
import pytest
import torch
from torchvision.transforms import ColorJitter, functional

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import Draws, PhotometricAugmentation
from mmseg_ssr.uda.draws import Jitter
from mmseg_ssr.uda.views.photometric import PhotometricKeys, color_jitter

MEAN, STD = torch.full((1, 3, 1, 1), 120.), torch.full((1, 3, 1, 1), 60.)
STRONG = dict(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.4, jitter_probability=0.8,
              gray_probability=0.1, blur_probability=0.5, blur_sigma=(0.15, 3.))


def images(count=3, side=16):
    return torch.rand(count, 3, side, side)


def augmented(images, draws=None, **options):
    """The images in 0..1 after an augmentation."""
    normalized = (images * 255 - MEAN) / STD
    found = PhotometricAugmentation(**options)(normalized, MEAN, STD, draws or Draws(1))
    return (found * STD + MEAN) / 255


def test_factors_mean_what_they_mean_in_torchvision():
    img = images()
    found = color_jitter(img, Jitter(1.3, 0.7, 1.4, -0.2, (3, 0, 2, 1)))
    expected = functional.adjust_hue(img, -0.2)
    for change, factor in ((functional.adjust_brightness, 1.3), (functional.adjust_saturation, 1.4),
                           (functional.adjust_contrast, 0.7)):
        expected = change(expected, factor)
    torch.testing.assert_close(found, expected)
    brighter = color_jitter(img / 2, Jitter(1.5, 1., 1., 0., (0, 1, 2, 3)))
    torch.testing.assert_close(brighter, img * 0.75, atol=1e-5, rtol=0)


def test_the_ranges_are_those_of_torchvision():
    published = ColorJitter(0.8, 0.5, 0.2, 0.4)
    ours = PhotometricAugmentation(brightness=0.8, contrast=0.5, saturation=0.2, hue=0.4).ranges
    for name, limits in ours.items():
        assert limits == pytest.approx(getattr(published, name)), name


def test_nothing_is_done_without_probabilities():
    img = images()
    torch.testing.assert_close(augmented(img, brightness=0.8, hue=0.4), img)


@pytest.mark.parametrize('name', ['jitter', 'gray', 'blur'])
def test_each_image_has_a_decision_of_its_own(name):
    img = images(200, 32)
    options = {**STRONG, **dict.fromkeys(('jitter_probability', 'gray_probability',
                                          'blur_probability'), 0), f'{name}_probability': 0.3}
    changed = (augmented(img, **options) - img).abs().amax((1, 2, 3)) > 1e-3
    assert 0.2 < changed.float().mean() < 0.4


def test_gray_images_have_no_color():
    found = augmented(images(), gray_probability=1)
    torch.testing.assert_close(found[:, 0], found[:, 2])


def test_blur_is_torchvisions():
    class Sigma(Draws):
        def blur_sigma(self, image, limits):
            assert limits == (0.5, 2.)
            return 0.5 + image
    img = images(2, 64)
    found = augmented(img, Sigma(), blur_probability=1, blur_sigma=(0.5, 2.))
    for i in range(2):
        torch.testing.assert_close(
            found[i], functional.gaussian_blur(img[i], [7, 7], [0.5 + i] * 2), atol=1e-5, rtol=0)


def test_an_image_is_augmented_alike_in_any_batch():
    img = images(4)
    whole, second = Draws(3), Draws(3)
    whole.start_iteration(2)
    second.start_iteration(2, first_image=2)
    torch.testing.assert_close(augmented(img, whole, **STRONG)[2:],
                               augmented(img[2:], second, **STRONG))


def test_keys_build_what_is_given():
    keys = PhotometricKeys(source_augmentation=STRONG, mix_augmentation={})
    assert keys.build('source').blur_sigma == (0.15, 3.)
    assert keys.build('mix').jitter_probability == 0 and keys.build('target') is None


@pytest.mark.parametrize('options, message', [
    (dict(brightnes=1), "unknown key uda.source_augmentation.brightnes, did you mean 'brightness'"),
    (dict(hue=0.6), r'uda.source_augmentation.hue must be in \[0, 0.5\], got 0.6'),
    (dict(contrast='x'), r'uda.source_augmentation.contrast must be a number in \[0, 1\]'),
    (dict(gray_probability=2), r'gray_probability must be in \[0, 1\], got 2'),
    (dict(blur_sigma=1.), r'blur_sigma must be two numbers \(low, high\) in pixels, got 1.0'),
    (dict(blur_sigma=(2, 1)), r'blur_sigma must be \(low, high\), got \(2, 1\)'),
    (dict(blur_sigma=(0, 1)), 'blur_sigma must be above 0, got 0'),
    ([], 'uda.source_augmentation must be a dict'),
])
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        PhotometricKeys(source_augmentation=options)
