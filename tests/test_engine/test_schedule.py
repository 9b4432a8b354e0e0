from types import SimpleNamespace

import pytest
import tiny_training
import torch

from mmseg_ssr.engine.checkpoint import read_checkpoint
from mmseg_ssr.engine.config_check import validate
from mmseg_ssr.engine.schedule import PolyToHorizonLrUpdaterHook
from mmseg_ssr.engine.train import train
from mmseg_ssr.errors import ConfigError


def test_the_rate_is_the_long_schedules():
    hook = PolyToHorizonLrUpdaterHook(horizon=200, power=0.9)
    rates = [hook.get_lr(SimpleNamespace(iter=i, max_iters=80), 0.1) for i in (0, 50, 80, 200)]
    assert rates == pytest.approx([0.1, 0.1 * 0.75 ** 0.9, 0.1 * 0.6 ** 0.9, 0.])


def test_a_horizon_before_the_end_is_an_error():
    with pytest.raises(ConfigError, match='horizon must be at least the 80 iterations'):
        PolyToHorizonLrUpdaterHook(79).before_run(SimpleNamespace(max_iters=80))


def test_discriminators_follow_it_in_a_training(data, config, tmp_path):
    sections = tiny_training.method_config(
        data, 2, type='AdvSeg', lambda_adv_target=0.01, lr_D=1e-3)
    sections['lr_config'] = dict(policy='PolyToHorizon', horizon=8, power=1.)
    cfg = config(sections)
    validate(cfg)
    checkpoint = read_checkpoint(train(cfg, str(tmp_path), torch.device('cpu'), evaluate=False))
    group = checkpoint['training_state']['adversary']['optimizer']['param_groups'][0]
    assert group['lr'] == pytest.approx(1e-3 * 7 / 8)  # of the second iteration
    assert checkpoint['optimizer']['param_groups'][0]['lr'] == pytest.approx(1e-3 * 7 / 8)
    assert not any('adversary' in name or 'target_terms' in name
                   for name in checkpoint['state_dict'])
