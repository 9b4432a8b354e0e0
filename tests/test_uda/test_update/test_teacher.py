import copy

import pytest
import torch
from timm.layers import DropPath
from torch import nn

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import EMATeacher
from mmseg_ssr.uda.update.teacher import TeacherKeys


def student():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout2d(0.5), DropPath(0.5))


def test_first_update_copies_then_it_averages():
    network = student()
    teacher = EMATeacher(network, alpha=0.9)
    for value, expected in ((1., 1.), (3., 2.), (5., 3.)):  # alpha 0, 1/2, 2/3
        nn.init.constant_(network[0].weight, value)
        teacher.update(network)
        torch.testing.assert_close(teacher.network[0].weight.detach(),
                                   torch.full((4, 3, 1, 1), expected))


def test_first_update_gives_the_student_bit_by_bit():
    network = student()
    teacher = EMATeacher(network)
    nn.init.normal_(network[0].weight)
    teacher.update(network)
    assert torch.equal(teacher.network[0].weight, network[0].weight)


def test_average_is_that_of_the_paper_to_float32_rounding():
    network = student()
    teacher = EMATeacher(network, alpha=0.999)
    teacher.updates = 10000
    before = teacher.network[0].weight.double()
    nn.init.normal_(network[0].weight)
    teacher.update(network)
    expected = 0.999 * before + (1 - 0.999) * network[0].weight.double()
    torch.testing.assert_close(teacher.network[0].weight.double(), expected, rtol=2e-7, atol=1e-8)


def test_alpha_is_the_limit():
    network = student()
    teacher = EMATeacher(network, alpha=0.25)
    for _ in range(3):
        teacher.update(network)
    nn.init.zeros_(teacher.network[0].bias), nn.init.ones_(network[0].bias)
    teacher.update(network)
    torch.testing.assert_close(teacher.network[0].bias.detach(), torch.full((4, ), 0.75))


def test_batch_norm_runs_on_the_batch_and_keeps_statistics_of_its_own():
    network = student()
    teacher = EMATeacher(network)
    network[1].running_mean.fill_(7.)
    teacher.update(network)
    assert not teacher.network[1].running_mean.any()
    out = teacher.network(torch.randn(4, 3, 5, 5) + 3)
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    assert teacher.network[1].running_mean.any()


def test_predicts_without_dropout_whatever_mode_its_owner_is_in():
    owner = nn.ModuleDict(dict(teacher=EMATeacher(student()))).train()
    network, img = owner['teacher'].network, torch.randn(8, 3, 4, 4)
    assert torch.equal(network(img), network[1](network[0](img)))


def test_is_invisible_to_optimizer_and_checkpoint():
    owner = nn.ModuleDict(dict(teacher=EMATeacher(student())))
    assert not list(owner.parameters()) and not owner.state_dict()


def test_save_reload_continue_is_never_stopped():
    network = student()
    straight = EMATeacher(network, alpha=0.999)
    for step in range(3):
        nn.init.constant_(network[0].weight, step)
        straight.update(network)
    resumed = EMATeacher(student(), alpha=0.999)
    resumed.load_training_state(copy.deepcopy(straight.training_state()))
    for teacher in (straight, resumed):
        nn.init.constant_(network[0].weight, 9.)
        teacher.update(network)
    assert torch.equal(straight.network[0].weight, resumed.network[0].weight)
    assert resumed.updates == 4


def test_alpha_must_be_a_share():
    with pytest.raises(ConfigError, match=r'uda.alpha must be in \[0, 1\), got 1.5'):
        TeacherKeys(alpha=1.5)


def test_attention_that_drops_by_its_own_mode_does_not_in_the_teacher():
    class Attention(nn.Module):  # as timm's, which passes the rate on while it trains
        def __init__(self):
            super().__init__()
            self.attn_drop, self.norm = nn.Dropout(0.5), nn.BatchNorm1d(8)

        def forward(self, tokens):
            tokens = self.norm(tokens)
            rate = self.attn_drop.p if self.training else 0.
            return nn.functional.scaled_dot_product_attention(tokens, tokens, tokens,
                                                              dropout_p=rate)

    tokens = torch.randn(2, 8, 4)
    for network in (Attention(), nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True)):
        inputs = (tokens, ) * (3 if isinstance(network, nn.MultiheadAttention) else 1)
        teacher = EMATeacher(network).network
        first, second = (teacher(*inputs) for _ in range(2))
        assert torch.equal(first[0], second[0]), type(network)
    assert EMATeacher(Attention()).network.norm.training
