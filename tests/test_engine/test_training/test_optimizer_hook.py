"""Supervised trainings: clipping and what happens when a number is not finite."""
import pytest
import tiny_training
import torch

from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.training.optimizer_hook import WatchedOptimizerHook, optimizer_hook
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError, UserError
from mmseg_ssr.utils.device import pick_device


def run(data, config, folder, **optimizer_config):
    sections = tiny_training.supervised_config(data, 2)
    cfg = config(dict(sections, optimizer_config=optimizer_config))
    return read_checkpoint(train(cfg, str(folder), pick_device('cpu'), evaluate=False))


def test_a_small_norm_clips(data, config, tmp_path):
    plain = run(data, config, tmp_path / 'a')['log_buffer']['values']
    clipped = run(data, config, tmp_path / 'b', grad_clip=dict(max_norm=1e-3))
    assert 'grad_norm' not in plain
    norms = clipped['log_buffer']['values']['grad_norm']
    assert len(norms) == 2 and min(norms) > 1e-3  # as they were before


class Outputs:
    def __init__(self, weight, factor):
        self.optimizer = torch.optim.SGD([weight], lr=1.)
        self.iter, self.outputs = 0, dict(
            loss=(weight * factor).sum(), num_samples=1,
            log_vars={'decode.loss_ce': float(factor), 'acc_seg': 1.})


def test_an_update_that_is_not_finite_stops_or_is_left_out():
    weight = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(UserError, match='iteration 1: decode.loss_ce not finite'):
        WatchedOptimizerHook().after_train_iter(Outputs(weight, float('nan')))
    hook = WatchedOptimizerHook(not_finite='skip')
    hook.finite_check.warn = lambda line: None
    hook.after_train_iter(Outputs(weight, float('inf')))
    assert weight.item() == 1 and hook.finite_check.skipped == 1
    hook.after_train_iter(Outputs(weight, 0.25))
    assert weight.item() == 0.75


def test_another_hook_can_be_named():
    hook = optimizer_hook(dict(type='GradientCumulativeOptimizerHook', cumulative_iters=2))
    assert type(hook).__name__ == 'GradientCumulativeOptimizerHook'
    assert isinstance(optimizer_hook(None), WatchedOptimizerHook)


def test_bad_values_name_the_key():
    with pytest.raises(ConfigError, match='optimizer_config.*max_norm'):
        WatchedOptimizerHook(dict(max_norm=-1))
