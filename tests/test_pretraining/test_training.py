import pytest
import torch

from mmseg_ssr.pretraining.mask_decoder import MaskDecoder
from mmseg_ssr.pretraining.scenes import Batch, draw_scenes
from mmseg_ssr.pretraining.training import Recipe, measure, pretrain

RECIPE = Recipe(iterations=40, batch=1, crop=32, points=4, log_interval=20)


@pytest.fixture(scope='module')
def scenes():
    return draw_scenes(2, size=(64, 32))


def test_the_same_seed_gives_the_same_encoder(scenes):
    logs = []
    first, measured = pretrain(scenes, scenes, RECIPE, logs.append)
    second, again = pretrain(scenes, scenes, RECIPE, lambda line: None)
    assert [line['iteration'] for line in logs] == [20, 40]
    assert logs[1]['loss'] < logs[0]['loss'] and measured == again
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_the_mask_is_asked_for_in_one_look_and_drawn_in_the_other():
    asked = []

    class Decoder(MaskDecoder):
        def forward(self, source, answered, points):
            asked.append((source, answered))
            return super().forward(source, answered, points)

    first, second = torch.zeros(2, 3, 16, 16), torch.ones(2, 3, 16, 16)
    batch = Batch(first, second, torch.arange(4).repeat(2, 16, 4))
    measure(lambda images: images[:, :, ::8, ::8] * torch.ones(1), Decoder(3), batch, 2,
            torch.Generator().manual_seed(0))
    source, answered = asked[0]
    assert torch.equal(source.amax(dim=(1, 2, 3)), torch.tensor([0., 0, 1, 1]))
    assert torch.equal(answered.amax(dim=(1, 2, 3)), torch.tensor([1., 1, 0, 0]))
