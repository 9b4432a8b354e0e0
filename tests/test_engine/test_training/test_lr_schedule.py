from types import SimpleNamespace

import pytest
import tiny_training
import torch
from comparison import assert_same, without_times

from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.training.lr_schedule import (
    PolyToHorizonLrUpdaterHook,
    WarmupThenLinearLrUpdaterHook,
)
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError


def test_the_rate_is_the_long_schedules():
    hook = PolyToHorizonLrUpdaterHook(horizon=200, power=0.9)
    rates = [hook.get_lr(SimpleNamespace(iter=i, max_iters=80), 0.1) for i in (0, 50, 80, 200)]
    assert rates == pytest.approx([0.1, 0.1 * 0.75 ** 0.9, 0.1 * 0.6 ** 0.9, 0.])


def test_a_horizon_before_the_end_is_an_error():
    with pytest.raises(ConfigError, match='horizon must be at least the 80 iterations'):
        PolyToHorizonLrUpdaterHook(79).before_run(SimpleNamespace(max_iters=80))


def test_the_rate_rises_and_then_jumps_to_the_line():
    hook = WarmupThenLinearLrUpdaterHook(warmup_iters=5, warmup_ratio=0.2)
    rates = [hook.get_lr(SimpleNamespace(iter=i, max_iters=20), 10.) for i in (0, 1, 4, 5, 19)]
    assert rates == pytest.approx([2., 4., 10., 7.5, 0.5])


@pytest.mark.parametrize('options, message', [
    (dict(warmup_iters=1), 'warmup_iters must be at least 2, got 1'),
    (dict(warmup_ratio=1.5), r'warmup_ratio must be in \[0, 1\], got 1.5')])
def test_a_wrong_warmup(options, message):
    with pytest.raises(ConfigError, match=message):
        WarmupThenLinearLrUpdaterHook(**options)


def test_it_has_a_name_in_configs(data, config):
    sections = tiny_training.method_config(data, 3, type='DACS')
    cfg = config(dict(sections, lr_config=dict(policy='WarmupThenLinear', warmup_iters=3)))
    validate(cfg)
    cfg.lr_config.warm_up = 3
    with pytest.raises(ConfigError, match="unknown key lr_config.warm_up"):
        validate(cfg)


def test_discriminators_follow_it_through_a_training_and_its_resumption(data, config, tmp_path):
    sections = tiny_training.method_config(
        data, 3, type='AdvSeg', lambda_adv_target=0.01, lr_D=1e-3, cumulative_iters=2)
    sections['lr_config'] = dict(policy='PolyToHorizon', horizon=8, power=1.)
    sections['checkpoint_config']['interval'] = 1
    cfg = config(sections)
    cfg.checkpoint_config.max_keep_ckpts = 9
    validate(cfg)

    def run(folder, resume_from=None):
        return read_checkpoint(train(cfg, str(tmp_path / folder), torch.device('cpu'),
                                     evaluate=False, resume_from=resume_from))

    straight = run('straight')
    rates = [state['param_groups'][0]['lr'] for state in (
        straight['optimizer'], straight['training_state']['adversary']['optimizer'])]
    assert rates == pytest.approx([1e-3 * 6 / 8] * 2)  # of the third iteration
    assert straight['training_state']['adversary']['gradients']  # of a round that goes on
    assert not any('adversary' in name or 'target_terms' in name for name in straight['state_dict'])
    for iteration in (1, 2):
        resumed = run(f'from_{iteration}', str(tmp_path / f'straight/iter_{iteration}.pth'))
        assert_same(without_times(straight), without_times(resumed))
