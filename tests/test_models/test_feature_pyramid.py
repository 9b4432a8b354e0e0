import pytest
import torch
from mmseg.models.builder import NECKS

from mmseg_ssr.errors import ConfigError


def pyramid(**options):
    return NECKS.build(dict(
        dict(type='SimpleFeaturePyramid', in_channels=16, out_channels=8), **options))


def test_four_scales_of_the_last_map():
    neck = pyramid()
    first, last = torch.randn(2, 16, 9, 9), torch.randn(2, 16, 5, 7)
    maps = neck([first, last])
    assert [tuple(feature.shape) for feature in maps] == [
        (2, 8, 20, 28), (2, 8, 10, 14), (2, 8, 5, 7), (2, 8, 3, 4)]
    for one, other in zip(maps, neck([last])):
        assert torch.equal(one, other)


def test_maps_are_normalized_and_every_weight_is_trained():
    neck = pyramid()
    neck.init_weights()
    maps = neck([torch.randn(1, 16, 4, 4)])
    for feature in maps:
        torch.testing.assert_close(feature.mean(1), torch.zeros_like(feature[:, 0]),
                                   rtol=0, atol=1e-5)
    sum(feature.square().sum() for feature in maps).backward()
    assert all(p.grad is not None for p in neck.parameters())


def test_chosen_scales():
    assert [feature.shape[2] for feature in pyramid(scales=(2, 1))([torch.zeros(1, 16, 4, 4)])] \
        == [8, 4]
    with pytest.raises(ConfigError, match='scales of SimpleFeaturePyramid .* got 3'):
        pyramid(scales=(3, ))
