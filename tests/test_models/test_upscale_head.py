import pytest
import torch
from mmseg.models.builder import HEADS

from mmseg_ssr.errors import ConfigError


def test_logits_at_four_times_the_map_and_every_weight_trained():
    head = HEADS.build(dict(type='UpscaleHead', in_channels=16, num_classes=5))
    head.init_weights()
    logits = head([torch.randn(2, 16, 3, 4)])
    assert logits.shape == (2, 5, 12, 16)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in head.parameters())


def test_widths_are_halved_twice():
    head = HEADS.build(dict(type='UpscaleHead', in_channels=768, num_classes=19))
    head.init_weights()
    assert head.conv_seg.in_channels == 192
    assert [layer.out_channels for layer in head.upscale if hasattr(layer, 'out_channels')] == [
        384, 192, 192]
    assert 0.09 < head.conv_seg.weight.std() < 0.11


def pyramid(**options):
    return HEADS.build(dict(dict(type='PyramidUpscaleHead', in_channels=[16] * 4, num_classes=5,
                                 norm_cfg=dict(type='BN')), **options))


def test_a_pyramid_gives_logits_at_its_largest_map():
    head = pyramid()
    head.init_weights()
    maps = [torch.randn(2, 16, 3 * side, side) for side in (16, 8, 4, 2)]
    assert head(maps).shape == (2, 5, 48, 16)
    assert head.conv_seg.bias is None and head.channels == 2
    assert not head.up_conv1.bias.any() and 0.05 < head.conv_seg.weight.std() < 0.2


def test_every_map_of_the_pyramid_has_its_say():
    head = pyramid().eval()
    maps = [torch.randn(1, 16, side, side) for side in (16, 8, 4, 2)]
    before = head(maps)
    for i in range(4):
        changed = [one + 1 if i == k else one for k, one in enumerate(maps)]
        assert not torch.allclose(head(changed), before)


@pytest.mark.parametrize('channels', [[16] * 3, [16, 16, 16, 8], [12] * 4, [4] * 4])
def test_a_pyramid_needs_four_equal_widths(channels):
    with pytest.raises(ConfigError, match='four equal multiples of 8'):
        pyramid(in_channels=channels, in_index=list(range(len(channels))))


@pytest.mark.parametrize('index', [[0, 1, 2], [0, 1, 2, 4], [0, 1, 2, -1]])
def test_a_pyramid_needs_four_maps(index):
    with pytest.raises(ConfigError, match='in_index must be four numbers of maps, 0 to 3, got'):
        pyramid(in_index=index)
