"""The branch for a segmentor, from the arguments of a config."""
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.regularizer import FrozenSAMEncoder, build_encoder, build_regularizer
from mmseg_ssr.regularizer.build import feature_channels


class Segmentor(nn.Module):
    """Two stages, and a batch norm that a look in training mode would move."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 4, 4, stride=4), nn.BatchNorm2d(4)
        self.stage = nn.Conv2d(4, 8, 2, stride=2)

    def extract_feat(self, img):
        first = self.norm(self.stem(img))
        return [first, self.stage(first)]


@pytest.mark.parametrize('training', [True, False])
def test_widths_are_measured_and_nothing_is_changed(training):
    segmentor = Segmentor().train(training).double()
    assert feature_channels(segmentor) == (4, 8)
    assert segmentor.training == segmentor.norm.training == training
    assert segmentor.norm.num_batches_tracked == 0


def test_arguments_reach_the_branch(tiny_sam):
    built = build_regularizer(Segmentor(), tiny_sam, [1], num_heads=[1, 4], add_map=True)
    assert isinstance(built.encoder, FrozenSAMEncoder), 'the default, as in the paper'
    assert (built.stages, built.add_map) == ((1, ), True)
    assert built.attentions['1'].num_heads == 4 and built.projections['1'].out_features == 8
    plain = build_regularizer(Segmentor(), tiny_sam, [1])
    assert (plain.add_map, plain.attentions['1'].num_heads) == (False, 8)
    given = build_regularizer(Segmentor(), tiny_sam, [0, 1], channels=[6, 12])
    assert [p.out_features for p in given.projections.values()] == [6, 12]


def test_wrong_arguments_are_errors_of_the_config(tiny_sam):
    with pytest.raises(ConfigError, match='regularizer: num_heads must give one number'):
        build_regularizer(Segmentor(), tiny_sam, [0], num_heads=[1])
    with pytest.raises(ConfigError, match="regularizer.add_map: .* HRDA's detail crop"):
        build_regularizer(SimpleNamespace(maps_show_the_image=False), tiny_sam, add_map=True)


def test_a_config_is_not_changed_by_building(tiny_sam):
    config = dict(tiny_sam, type='sam')
    encoder = build_encoder(config)
    assert config['type'] == 'sam' and encoder(torch.zeros(1, 3, 8, 8)).shape[1] == 16
