"""Cases 20 and 21: the learning rate, and its factors and the weight decay of each parameter."""
import json
import re

import numpy as np
import pytest
import torch
from torch import nn

from mmseg_ssr.engine.config import load_config
from mmseg_ssr.engine.training.lr_schedule import WarmupThenLinearLrUpdaterHook
from mmseg_ssr.engine.training.optimizer import build_optimizer
from mmseg_ssr.weights.lightning_layouts import segmentor_layout

from .cases import OWN_DATA, ROOT, cases_of
from .tolerances import RATE

SCHEDULES = ROOT / 'configs' / '_base_' / 'schedules'
NETWORKS = json.loads((OWN_DATA / 'manifest.json').read_text(encoding='utf-8'))['networks']

def schedule(depth):
    return load_config(str(SCHEDULES / f'adamw_warm_linear_40k_vfmudapp_{depth}.py'))


@pytest.mark.parametrize('case', cases_of('20'), ids=lambda case: case.name)
def test_the_factor_of_each_iteration(case):
    facts = case.facts
    hook = WarmupThenLinearLrUpdaterHook(facts['warmup'], facts['start'])
    found = [hook.factor(int(i), facts['total']) for i in case.arrays['iteration']]
    np.testing.assert_allclose(found, case.arrays['factor'], rtol=RATE)


@pytest.mark.parametrize('depth', [12, 24])
def test_the_shipped_schedule_is_the_published_one(depth):
    options = dict(schedule(depth).lr_config)
    assert options.pop('policy') == 'WarmupThenLinear'
    hook = WarmupThenLinearLrUpdaterHook(**options)
    assert (hook.rising_iters, hook.first_factor) == (1500, 1e-3)
    assert schedule(depth).runner.max_iters == 40000


def our_name(name):
    """The name in a method. The distance to the foundation model has a head of its own."""
    return next((f'model.{ours}' for ours in segmentor_layout({name: torch.zeros(1)})), name)


def with_parameters(names):
    """A network of one number for each published name, under ours."""
    network = nn.Module()
    for name in names:
        *path, last = our_name(name).split('.')
        place = network
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, nn.Module())
            place = getattr(place, part)
        place.register_parameter(last, nn.Parameter(torch.zeros(1)))
    return network


def settings(cfg, names):
    """Published name -> (rate, decay), and the optimizer."""
    network = with_parameters(names)
    optimizer = build_optimizer(cfg, network)
    found = {id(parameter): (group['lr'], group['weight_decay'])
             for group in optimizer.param_groups for parameter in group['params']}
    parameters = dict(network.named_parameters())
    assert len(found) == len(parameters) == len(names)
    return {name: found[id(parameters[our_name(name)])] for name in names}, optimizer


@pytest.mark.parametrize('case', cases_of('21'), ids=lambda case: case.name)
def test_rate_and_decay_of_every_parameter(case):
    facts = case.facts
    cfg = schedule(facts['depth'])
    cfg.optimizer.lr = facts['lr'] * (facts['batch_per_gpu'] * facts['gpus']) ** 0.5
    found, optimizer = settings(cfg, facts['names'])
    for name, expected in zip(facts['names'], case.arrays['rate_and_decay']):
        np.testing.assert_allclose(found[name], expected, rtol=RATE, err_msg=name)
    assert {(group['betas'], group['eps']) for group in optimizer.param_groups} == {
        (tuple(facts['betas']), facts['eps'])}


@pytest.mark.parametrize('size, depth', [
    ('dinov2_vits14', 12), ('dinov2_vitb14', 12), ('dinov2_vitl14', 24)])
def test_every_name_of_the_published_networks_has_its_rate(size, depth):
    names = [name for name in NETWORKS[size]['names'] if not name.endswith(
        ('running_mean', 'running_var', 'num_batches_tracked'))]
    cfg = schedule(depth)
    found, _ = settings(cfg, names)
    for name in names:
        block = re.match(r'network.encoder.blocks.(\d+).', name)
        embedding = re.match(r'network.encoder.(pos_embed|cls_token|patch_embed)', name)
        layer = int(block[1]) + 1 if block else 0 if embedding else None
        factor = 1 if layer is None else 0.1 * 0.9 ** (depth - layer)
        assert found[name] == pytest.approx((factor * cfg.optimizer.lr, 0.01), rel=RATE), name


def test_the_rate_is_that_of_a_batch_of_8():
    assert schedule(12).optimizer.lr == schedule(24).optimizer.lr == 5e-5 * 8 ** 0.5
