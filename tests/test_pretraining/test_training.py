import pytest
import torch

from mmseg_ssr.pretraining.kind_head import KindHead
from mmseg_ssr.pretraining.mask_decoder import MaskDecoder
from mmseg_ssr.pretraining.scenes import Batch, batches, draw_scenes
from mmseg_ssr.pretraining.training import Networks, Recipe, build, measure, pretrain

RECIPE = Recipe(iterations=40, batch=1, crop=32, points=4, kinds=8, log_interval=20)


@pytest.fixture(scope='module')
def scenes():
    return draw_scenes(2, size=(64, 32), kinds=8)


def test_the_same_seed_gives_the_same_encoder(scenes):
    logs = []
    first, measured = pretrain(scenes, scenes, RECIPE, logs.append)
    second, again = pretrain(scenes, scenes, RECIPE, lambda line: None)
    assert [line['iteration'] for line in logs] == [20, 40]
    assert measured == again and set(logs[0]) == {'iteration', *measured}
    for loss in ('mask_loss', 'kind_loss'):
        assert logs[1][loss] < logs[0][loss]
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_the_mask_is_asked_for_in_one_look_and_drawn_in_the_other():
    asked = []

    class Decoder(MaskDecoder):
        def forward(self, source, answered, points):
            asked.append((source, answered))
            return super().forward(source, answered, points)

    first, second = torch.zeros(2, 3, 16, 16), torch.ones(2, 3, 16, 16)
    where = torch.arange(4).repeat(2, 16, 4)
    networks = Networks(lambda images: images[:, :, ::8, ::8] * torch.ones(1), Decoder(3),
                        KindHead(3, kinds=4))
    measure(networks, Batch(first, second, where, where), 2, torch.Generator().manual_seed(0))
    source, answered = asked[0]
    assert torch.equal(source.amax(dim=(1, 2, 3)), torch.tensor([0., 0, 1, 1]))
    assert torch.equal(answered.amax(dim=(1, 2, 3)), torch.tensor([1., 1, 0, 0]))


def test_both_losses_reach_the_encoder_and_kinds_are_asked_of_both_looks(scenes):
    networks = build(RECIPE)
    batch = next(batches(scenes, 2, 32, seed=0))
    for loss in ('mask_loss', 'kind_loss'):
        networks.encoder.zero_grad()
        measured = measure(networks, batch, 4, torch.Generator().manual_seed(0))
        getattr(measured, loss).backward()
        assert all(p.grad is not None for p in networks.encoder.parameters()), loss
    for changed in (batch._replace(first=-batch.first), batch._replace(second=-batch.second)):
        other = measure(networks, changed, 4, torch.Generator().manual_seed(0))
        assert other.kind_loss != measured.kind_loss
