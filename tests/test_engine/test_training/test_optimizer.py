import pytest
import torch
from mmcv import Config
from torch import nn

from mmseg_ssr.engine.training.optimizer import build_optimizer
from mmseg_ssr.errors import ConfigError


def network():
    torch.manual_seed(0)
    return nn.ModuleDict(dict(head=nn.Linear(3, 3), norm=nn.LayerNorm(3), body=nn.Linear(3, 3)))


def build(model, **options):
    return build_optimizer(Config(dict(optimizer=dict(type='AdamW', lr=0.01, **options))), model)


KEYS = dict(custom_keys=dict(head=dict(lr_mult=10.), norm=dict(decay_mult=0.)))


def test_parameters_with_the_same_options_share_a_group():
    model = network()
    groups = build(model, weight_decay=0.1, paramwise_cfg=KEYS).param_groups
    found = {(round(g['lr'], 6), g['weight_decay']): [id(p) for p in g['params']] for g in groups}
    assert found == {(0.1, 0.1): [id(p) for p in model['head'].parameters()],
                     (0.01, 0.): [id(p) for p in model['norm'].parameters()],
                     (0.01, 0.1): [id(p) for p in model['body'].parameters()]}


def test_the_update_is_that_of_one_group_for_each_parameter():
    updated = []
    for fused in (None, False):
        model = network()
        options = {} if fused is None else dict(fused=fused)
        optimizer = build(model, weight_decay=0.1, paramwise_cfg=KEYS, **options)
        assert bool(optimizer.defaults['fused']) == (fused is None)
        model['body'](model['norm'](model['head'](torch.ones(2, 3)))).square().sum().backward()
        optimizer.step()
        updated.append([p.detach().clone() for p in model.parameters()])
    torch.testing.assert_close(*updated, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize('options', [dict(foreach=True), dict(fused=False)])
def test_an_explicit_choice_stays(options):
    defaults = build(network(), **options).defaults
    assert not defaults['fused'] and defaults['foreach'] == options.get('foreach')


@pytest.mark.parametrize('config, message', [
    (dict(), 'no optimizer'), (dict(optimizer=dict(type='AdamW', lr=-1)), 'cannot be built')])
def test_what_torch_refuses_is_an_error_of_the_config(config, message):
    with pytest.raises(ConfigError, match=message):
        build_optimizer(Config(config), network())
