import numpy as np
import pytest

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.labels.rare_class_sampling import (
    RareClassSampler,
    RareClassSampling,
    SeveralSourcesSampler,
    class_probabilities,
)


def test_probabilities_are_the_softmax_of_rarity_in_ascending_order():
    classes, p = class_probabilities({4: 60, 0: 30, 7: 10, 9: 0}, temperature=0.5)
    assert classes.tolist() == [7, 0, 4]
    expected = np.exp([0.9 / 0.5, 0.7 / 0.5, 0.4 / 0.5])
    np.testing.assert_allclose(p, expected / expected.sum(), rtol=1e-12)


def test_kept_classes_keep_their_proportions():
    pixels = {0: 60, 1: 30, 2: 10}
    _, all_of_them = class_probabilities(pixels, 0.3)
    classes, p = class_probabilities(pixels, 0.3, keep={0, 1})
    assert classes.tolist() == [1, 0]
    assert p[0] / p[1] == pytest.approx(all_of_them[1] / all_of_them[2], rel=1e-12)
    assert p.sum() == pytest.approx(1, abs=1e-12)


def test_a_very_low_temperature_does_not_overflow():
    _, p = class_probabilities({0: 999, 1: 1}, temperature=1e-5)
    assert p.tolist() == [1, 0]


def test_draws_an_image_that_holds_enough_of_the_class():
    counts = [{0: 100, 1: 5}, {0: 100, 1: 50}, {0: 100}]
    sampler = RareClassSampler(counts, RareClassSampling(min_pixels=5, class_temp=0.5))
    assert sampler.images == {0: [0, 1, 2], 1: [1]}
    draws = [sampler.draw(np.random.default_rng(i)) for i in range(2000)]
    assert {image for c, image in draws if c == 1} == {1}
    assert {image for c, image in draws if c == 0} == {0, 1, 2}
    share = np.mean([c == 1 for c, _ in draws])
    assert share == pytest.approx(dict(zip(sampler.classes, sampler.probabilities))[1], abs=0.03)


def test_a_class_too_small_everywhere_is_left_out():
    sampler = RareClassSampler([{0: 100, 1: 30, 2: 5}], RareClassSampling(min_pixels=5))
    assert sampler.left_out == [2]
    assert sorted(sampler.classes.tolist()) == [0, 1]
    assert sampler.probabilities.sum() == pytest.approx(1)


def test_no_class_is_large_enough():
    with pytest.raises(ConfigError, match='min_pixels: no source image holds more than 3000'):
        RareClassSampler([{0: 100}, {1: 3000}], RareClassSampling())


@pytest.mark.parametrize('options, message', [
    (dict(min_pixels=-1), 'min_pixels must be at least 0, got -1'),
    (dict(class_temp=0), 'class_temp must be above 0, got 0'),
    (dict(min_crop_ratio=-0.5), 'min_crop_ratio must be at least 0, got -0.5'),
    (dict(max_redraws=-1), 'max_redraws must be at least 0, got -1'),
    (dict(cat_max_ratio=0), 'cat_max_ratio must be above 0 and at most 1, got 0'),
    (dict(cat_max_ratio=1.5), 'cat_max_ratio must be above 0 and at most 1, got 1.5')])
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        RareClassSampling(**options)


def test_probabilities_by_class_have_zeros_where_nothing_is_drawn():
    sampler = RareClassSampler([{1: 100, 4: 30, 2: 5}], RareClassSampling(5, class_temp=0.5))
    probabilities = sampler.all_probabilities(6)
    assert probabilities[[0, 2, 3, 5]].tolist() == [0, 0, 0, 0]
    assert dict(zip(sampler.classes, sampler.probabilities)) == {
        1: probabilities[1], 4: probabilities[4]}
    assert probabilities[4] > probabilities[1] > 0  # the rare one's is larger


def test_pixels_of_the_source_are_the_sum_over_its_images():
    sampler = RareClassSampler([{0: 100, 1: 5}, {0: 50}, {1: 40}], RareClassSampling(5))
    assert sampler.pixels == {0: 150, 1: 45}


def test_pixels_of_a_crop_are_a_share_of_those_of_an_image():
    assert RareClassSampling(3000, 0.01, 0.5).min_crop_pixels == 1500


@pytest.mark.parametrize('crop, class_id, taken', [
    ([0, 7, 9], 1, True),
    ([0, 6, 9], 1, False),  # not more than 3 * 2
    ([0, 7, 9], 3, False),  # a class that no pixel has, beyond the counts
    ([7, 21, 0], 0, False),  # one class has 75 %
    ([8, 21, 0], 0, True),
    ([0, 50, 0], 1, False)])  # a single class
def test_crops_with_enough_of_the_class_and_of_others(crop, class_id, taken):
    options = RareClassSampling(min_pixels=3, min_crop_ratio=2, cat_max_ratio=0.75)
    assert options.accepts(crop, class_id) == taken


def test_by_default_a_crop_may_hold_one_class():
    assert RareClassSampling(min_pixels=3, min_crop_ratio=2).accepts([0, 50], 1)


#: In the first source class 1 is rare, in the second class 0 is, and the class 2 is there alone.
SOURCES = [[{0: 900, 1: 100}, {0: 1000}], [{0: 20, 1: 700}, {1: 800, 2: 30}, {0: 5, 1: 445}]]


def test_each_source_is_drawn_by_its_size_and_has_its_own_statistics():
    options = RareClassSampling(min_pixels=10, class_temp=0.5)
    sampler = SeveralSourcesSampler(SOURCES, options)
    draws = np.array([sampler.draw(np.random.default_rng(i)) for i in range(6000)])
    first = draws[draws[:, 1] < 2]
    assert len(first) / 6000 == pytest.approx(2 / 5, abs=0.02)
    own = [RareClassSampler(source, options) for source in SOURCES]
    for source, part in ((own[0], first), (own[1], draws[draws[:, 1] >= 2])):
        found = np.bincount(part[:, 0], minlength=3) / len(part)
        np.testing.assert_allclose(found, source.all_probabilities(3), atol=0.03)
    assert {image for c, image in draws if c == 1} == {0, 2, 3, 4}  # image 0 of the first
    assert {image for c, image in draws if c == 2} == {3}
    assert sampler.images == {0: [0, 1, 2], 1: [0, 2, 3, 4], 2: [3]}
    assert sampler.pixels == {0: 1925, 1: 2045, 2: 30}


def test_probabilities_of_several_sources():
    sampler = SeveralSourcesSampler(SOURCES, RareClassSampling(min_pixels=10, class_temp=0.5))
    expected = 0.4 * sampler.samplers[0].all_probabilities(4) \
        + 0.6 * sampler.samplers[1].all_probabilities(4)
    np.testing.assert_allclose(sampler.all_probabilities(4), expected)
    assert sampler.classes.tolist() == [2, 0, 1] and sampler.left_out == []
    np.testing.assert_allclose(sampler.probabilities, expected[[2, 0, 1]])
    assert sampler.probabilities.sum() == pytest.approx(1)


def test_one_source_of_several_is_that_source():
    options = RareClassSampling(min_pixels=10)
    alone, several = RareClassSampler(SOURCES[1], options), SeveralSourcesSampler(
        [[], SOURCES[1]], options)
    np.testing.assert_array_equal(several.all_probabilities(3), alone.all_probabilities(3))
    assert several.images == alone.images


def test_a_source_without_enough_of_any_class():
    message = r'source 1 \(counted from 0\): .*min_pixels: no source image holds more than 800'
    with pytest.raises(ConfigError, match=message):
        SeveralSourcesSampler(SOURCES, RareClassSampling(min_pixels=800))
