import torch
from torch import nn

from mmseg_ssr.regularizer import FrozenNetwork


def make():
    inner = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5))
    return inner, nn.ModuleDict(dict(frozen=FrozenNetwork(inner), free=nn.Linear(2, 2)))


def test_optimizer_and_checkpoint_do_not_see_it():
    _, model = make()
    assert {n.split('.')[0] for n, _ in model.named_parameters()} == {'free'}
    assert {k.split('.')[0] for k in model.state_dict()} == {'free'}


def test_stays_in_eval_mode_and_train_returns_the_model():
    inner, model = make()
    assert model.train() is model
    assert not any(m.training for m in inner.modules())


def test_gives_no_gradient_and_keeps_its_statistics():
    inner, model = make()
    before = inner[1].running_mean.clone()
    img = torch.randn(2, 3, 4, 4, requires_grad=True)
    assert not model.train()['frozen'](img).requires_grad
    torch.testing.assert_close(inner[1].running_mean, before)
    assert not any(p.requires_grad for p in inner.parameters())


def test_moves_with_the_model():
    inner, model = make()
    model.double()
    assert inner[0].weight.dtype == torch.float64
