import pytest
import torch
from torch import nn

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.regularizer import (
    FrozenNetwork,
    build_encoder,
    register_encoder,
)
from mmseg_ssr.regularizer.encoders import ENCODERS


@pytest.fixture(autouse=True)
def names_as_before():
    before = dict(ENCODERS)
    yield
    ENCODERS.clear()
    ENCODERS.update(before)


def test_a_registered_class_is_built_by_its_name():
    @register_encoder('pixels')
    class Pixels(FrozenNetwork):
        def __init__(self, size: int):
            super().__init__(nn.AdaptiveAvgPool2d(size))
            self.out_channels = 3

    encoder = build_encoder(dict(type='pixels', size=2))
    assert isinstance(encoder, Pixels)
    assert encoder(torch.ones(1, 3, 8, 8)).shape == (1, 3, 2, 2)
    with pytest.raises(ConfigError, match="did you mean 'pixels'"):
        build_encoder(dict(type='pixel', size=2))
    assert register_encoder('pixels')(Pixels) is Pixels


def test_names_that_are_taken_and_classes_that_would_be_trained_are_refused():
    class Other(FrozenNetwork):
        pass

    with pytest.raises(ValueError, match="FrozenSAMEncoder has the name 'sam' already"):
        register_encoder('sam')(Other)
    with pytest.raises(TypeError, match='Trained must be derived from FrozenNetwork'):
        @register_encoder('trained')
        class Trained(nn.Module):
            pass

    assert 'trained' not in ENCODERS
