"""Hooks that put tensors on the model: the checkpoints fit every tool, and resuming keeps them."""
import pytest
import tiny_training
import torch
from mmcv import Config
from mmcv.parallel import is_module_wrapper
from mmcv.runner import HOOKS, EMAHook, Hook
from torch import nn

from mmseg_ssr.engine.build import build_test_model
from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.checkpoint.weights import apply_weights, load_weights
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import CheckpointError, ConfigError
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')


@HOOKS.register_module()
class Counting(Hook):
    """Counts iterations in a buffer of the model and in a parameter of its backbone."""

    def __init__(self, late=False):
        self.late = late

    def before_run(self, runner):
        if not self.late:
            self.put(runner)

    def before_train_iter(self, runner):
        if self.late and not hasattr(self, 'buffer'):
            self.put(runner)

    def put(self, runner):
        model = runner.model.module if is_module_wrapper(runner.model) else runner.model
        model.register_buffer('count', torch.zeros(2))
        backbone = getattr(model, 'model', model).backbone
        backbone.weight_of_hook = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.buffer, self.weight = model.count, backbone.weight_of_hook

    def after_train_iter(self, runner):
        self.buffer += 1
        self.weight.data += 2


@HOOKS.register_module()
class Renaming(Hook):
    def before_run(self, runner):
        nn.utils.parametrizations.weight_norm(runner.bare_model.decode_head.conv_seg)


@HOOKS.register_module()
class OwnAverage(EMAHook):
    pass


@HOOKS.register_module()
class OfEpochs(Hook):
    def after_train_epoch(self, runner):
        raise AssertionError


SECTIONS = dict(uda=tiny_training.method_config, supervised=tiny_training.supervised_config)


@pytest.mark.parametrize('late', [False, True])
@pytest.mark.parametrize('kind', SECTIONS)
def test_every_tool_takes_the_checkpoint_and_resuming_goes_on(data, config, tmp_path, kind, late):
    sections = SECTIONS[kind](data, 4)
    sections['custom_hooks'] = [dict(type='Counting', late=late)]
    cfg = config(sections)
    train(cfg, str(tmp_path / 'a'), CPU, evaluate=False)
    path = str(tmp_path / 'a' / 'iter_2.pth')
    network = build_test_model(cfg)
    load_weights(network, path)
    if kind == 'uda':
        load_weights(network, path, 'teacher')
    train(cfg, str(tmp_path / 'b'), CPU, evaluate=False, resume_from=path)
    whole, resumed = (read_checkpoint(str(tmp_path / name / 'iter_4.pth')) for name in 'ab')
    assert whole['state_dict'].keys() == network.state_dict().keys()
    prefix = 'model.' if kind == 'uda' else ''
    for content in (whole, resumed):
        found = {name: value.tolist() for name, value in content['hook_tensors'].items()}
        assert found == {'count': [4, 4], f'{prefix}backbone.weight_of_hook': [8]}
    for name, value in whole['state_dict'].items():
        assert torch.equal(value, resumed['state_dict'][name])


def test_a_hook_that_renames_weights_is_refused_before_the_training(data, config, tmp_path):
    sections = tiny_training.supervised_config(data, 2)
    sections['custom_hooks'] = [dict(type='Renaming')]
    with pytest.raises(ConfigError, match=r'custom_hooks: a hook has removed or renamed 1 tensors '
                                          r'of the model \(decode_head.conv_seg.weight'):
        train(config(sections), str(tmp_path), CPU, evaluate=False)


@pytest.mark.parametrize('name, message', [
    ('EMAHook', 'custom_hooks.0: EMAHook puts its averaged weights in place at the end of each'),
    ('mmcv.EMAHook', 'custom_hooks.0: mmcv.EMAHook puts'),
    ('OwnAverage', 'custom_hooks.0: OwnAverage puts'),
    ('OfEpochs', 'custom_hooks.0: OfEpochs would never be called')])
@pytest.mark.parametrize('kind', SECTIONS)
def test_hooks_that_wait_for_epochs_are_refused_with_the_config(tmp_path, kind, name, message):
    sections = SECTIONS[kind](tmp_path)
    validate(Config(dict(sections, custom_hooks=[dict(type='Counting')])))
    with pytest.raises(ConfigError, match=message):
        validate(Config(dict(sections, custom_hooks=[dict(type=name, priority='NORMAL')])))


def test_checkpoints_with_the_averages_of_emahook_load():
    network = build_test_model(Config(dict(model=tiny_training.tiny_model())))
    state = {name: torch.full_like(value, 0.5) if value.is_floating_point() else value
             for name, value in network.state_dict().items()}
    averages = {f'ema_{name.replace(".", "_")}': torch.ones_like(value)
                for name, value in network.named_parameters()}
    apply_weights(dict(state_dict={**state, **averages}), network, 'x.pth')
    assert all(bool((parameter == 0.5).all()) for parameter in network.parameters())
    with pytest.raises(CheckpointError, match=r'1 unexpected \(ema_of_another'):
        apply_weights(dict(state_dict={**state, 'ema_of_another': torch.ones(1)}), network, 'x.pth')
