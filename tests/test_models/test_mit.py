import pytest
import torch
from mmseg.models.builder import BACKBONES

from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile
from mmseg_ssr.models import MiT, mit_b0

PARAMETERS = dict(mit_b0=3319392, mit_b5=81443008)


@pytest.mark.parametrize('name', PARAMETERS)
def test_sizes_are_the_published_ones(name):
    with torch.device('meta'):
        network = BACKBONES.build(dict(type=name, style='pytorch'))
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name]


def test_gives_four_maps_also_for_sides_that_32_does_not_divide():
    features = mit_b0().eval()(torch.randn(1, 3, 50, 70))
    assert [tuple(f.shape[1:]) for f in features] == [
        (32, 13, 18), (64, 7, 9), (160, 4, 5), (256, 2, 3)]


def test_stochastic_depth_grows_to_its_rate():
    network = MiT(drop_path_rate=0.3, embed_dims=(8, 16, 40, 64), depths=(1, 1, 1, 1))
    rates = [getattr(network, f'block{i}')[0].drop_path for i in range(1, 5)]
    assert [round(getattr(r, 'drop_prob', 0.), 3) for r in rates] == [0., 0.1, 0.2, 0.3]


def test_starts_as_segformer_does():
    network = mit_b0()
    network.init_weights()
    linear, convolution = network.block1[0].attn.q, network.patch_embed2.proj
    assert abs(linear.weight.std().item() - 0.02) < 0.003 and not linear.bias.any()
    fan_out = 9 * convolution.out_channels
    assert abs(convolution.weight.std().item() - (2 / fan_out)**0.5) < 0.003


def test_loads_imagenet_weights_with_their_classifier(tmp_path):
    path, donor = tmp_path / 'mit_b0.pth', mit_b0()
    donor.init_weights()
    torch.save({**donor.state_dict(), 'head.weight': torch.zeros(1000, 256)}, path)
    network = mit_b0(pretrained=str(path))
    network.init_weights()
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), donor.parameters()))


def test_missing_weights_say_where_they_are_published():
    with pytest.raises(MissingFile, match='pretrained/mit_b0.pth is missing.*SegFormer'):
        mit_b0(pretrained='pretrained/mit_b0.pth').init_weights()


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / 'mit_b0.pth'
    torch.save(MiT(depths=(1, 1, 1, 1), embed_dims=(32, 64, 160, 256)).state_dict(), path)
    with pytest.raises(CheckpointError, match='the first is block1.1'):
        mit_b0(pretrained=str(path)).init_weights()
    torch.save(MiT(depths=(2, 2, 2, 2)).state_dict(), path)
    with pytest.raises(CheckpointError, match='shapes differ'):
        mit_b0(pretrained=str(path)).init_weights()


def test_pretrained_and_init_cfg_exclude_each_other():
    with pytest.raises(ConfigError, match='not both'):
        mit_b0(pretrained='a', init_cfg=dict(type='Pretrained', checkpoint='b'))
