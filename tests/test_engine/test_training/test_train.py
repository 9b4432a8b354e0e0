import json
import logging
import math
import shutil

import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config
from mmcv.runner import HOOKS, Hook

from mmseg_ssr.engine.build import build_test_model
from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.checkpoint.weights import load_weights
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError, UserError
from mmseg_ssr.labels.files import read_label, write_label
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')


def log_lines(folder):
    return [json.loads(line) for line in next(folder.glob('*.log.json')).read_text().splitlines()]


def test_what_a_run_leaves_behind(data, config, tmp_path):
    sections = tiny_training.ssr_config(data, 4)
    sections['log_config'] = dict(interval=2, hooks=[
        dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook')])
    sections['evaluation'] = dict(interval=4)
    cfg = config(sections)
    path = train(cfg, str(tmp_path / 'run'), CPU)
    folder = tmp_path / 'run'
    assert path == str(folder / 'iter_4.pth')
    assert Config.fromfile(str(folder / 'config.py')).uda.type == 'SSR'
    assert list(folder.glob('tf_logs/events.*'))
    text = next(folder.glob('2*.log')).read_text()
    assert 'seed 3' in text and 'IoU' in text and 'road' in text
    lines = [line for line in log_lines(folder) if line.get('mode') == 'train']
    assert [line['iter'] for line in lines] == [2, 4]
    for name in ('decode.loss_ce', 'enhanced.loss_ce', 'mix.decode.loss_ce',
                 'enhanced_mix.loss_ce', 'masked.decode.loss_ce', 'src.loss_imnet_feat_dist',
                 'loss', 'decode.acc_seg'):
        assert lines[0][name] == lines[0][name]  # there, and no NaN
    assert log_lines(folder)[-1]['mode'] == 'val' and 'mIoU' in log_lines(folder)[-1]


def test_both_branches_of_a_supervised_training_are_logged(data, config, tmp_path):
    cfg = config(tiny_training.supervised_config(
        data, 3, type='SSREncoderDecoder', regularizer=tiny_training.tiny_regularizer()))
    train(cfg, str(tmp_path), CPU, evaluate=False)
    line = log_lines(tmp_path)[-1]
    assert {'decode.loss_ce', 'enhanced.loss_ce'} <= set(line)
    assert line['loss'] == pytest.approx(line['decode.loss_ce'] + line['enhanced.loss_ce'],
                                         abs=1e-3)


def test_a_method_in_the_place_of_the_model(data, config, tmp_path):
    sections = tiny_training.ssr_config(data, 2)
    one = train(config(sections), str(tmp_path / 'a'), CPU, evaluate=False)
    sections['model'] = dict(sections.pop('uda'), model=sections['model'], max_iters=2, seed=3)
    cfg = config(sections)
    other = train(cfg, str(tmp_path / 'b'), CPU, evaluate=False)
    states = [read_checkpoint(path)['state_dict'] for path in (one, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    load_weights(build_test_model(cfg), other)


def test_supervised_training_learns(data, config, tmp_path):
    sections = tiny_training.supervised_config(data, 1)
    before = read_checkpoint(train(config(sections), str(tmp_path / 'a'), CPU, evaluate=False))
    sections['runner']['max_iters'] = 8
    after = read_checkpoint(train(config(sections), str(tmp_path / 'b'), CPU, evaluate=False))
    weight = 'decode_head.conv_seg.weight'
    assert not torch.equal(before['state_dict'][weight], after['state_dict'][weight])


def test_the_seed_of_the_call_comes_first_and_one_is_drawn_in_the_end(data, config, tmp_path):
    sections = tiny_training.method_config(data, 1, source_only=True)
    cfg = config(sections)
    assert read_checkpoint(train(cfg, str(tmp_path / 'a'), CPU, evaluate=False))['meta'][
        'seed'] == 3
    assert read_checkpoint(train(cfg, str(tmp_path / 'b'), CPU, seed=0, evaluate=False))['meta'][
        'seed'] == 0
    del sections['seed']
    drawn = [read_checkpoint(train(config(sections), str(tmp_path / name), CPU, evaluate=False))
             ['meta']['seed'] for name in 'cd']
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize('seed', [-1, 2**32])
def test_seeds_out_of_range(data, config, tmp_path, seed):
    with pytest.raises(ConfigError, match=f'seed must be an integer in 0..4294967295, got {seed}'):
        train(config(tiny_training.method_config(data, 1)), str(tmp_path), CPU, seed=seed)


@pytest.mark.parametrize('kind', [tiny_training.method_config, tiny_training.supervised_config])
def test_a_class_that_the_source_lacks_is_said_at_the_start(data, config, tmp_path, caplog, kind):
    own = shutil.copytree(data, tmp_path / 'data')
    sections = kind(own, 1)
    if kind is tiny_training.method_config:
        del sections['data']['train']['rare_class_sampling']
    for label in (own / 'gta/labels').glob('*_labelTrainIds.png'):
        write_label(label, np.where(read_label(label) == 13, 2, read_label(label)))
    train(config(sections), str(tmp_path / 'out'), CPU, evaluate=False)
    line, = [one for one in caplog.messages if one.startswith('no pixel of ')]
    assert line.startswith(f'no pixel of car is in the 6 labels of {own}/gta/labels, so ')


def test_custom_hooks_run(data, config, tmp_path):
    class Note(Hook):
        def __init__(self, text):
            self.text = text

        def after_run(self, runner):
            (tmp_path / self.text).touch()

    HOOKS.register_module(name='Note', module=Note, force=True)
    sections = tiny_training.method_config(data, 1, source_only=True)
    sections['custom_hooks'] = [dict(type='Note', priority='LOW', text='noted')]
    train(config(sections), str(tmp_path), CPU, evaluate=False)
    assert (tmp_path / 'noted').exists()


def test_without_tensorboard_there_is_a_warning(data, config, tmp_path, monkeypatch, caplog):
    import builtins
    real = builtins.__import__

    def no_tensorboard(name, *args, **kwargs):
        if name.startswith('torch.utils.tensorboard'):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', no_tensorboard)
    sections = tiny_training.method_config(data, 1, source_only=True)
    sections['log_config']['hooks'].append(dict(type='TensorboardLoggerHook'))
    train(config(sections), str(tmp_path), CPU, evaluate=False)
    assert 'pip install tensorboard' in next(tmp_path.glob('2*.log')).read_text()


def test_log_files_are_closed(data, config, tmp_path):
    train(config(tiny_training.method_config(data, 1, source_only=True)), str(tmp_path), CPU,
          evaluate=False)
    assert not [h for h in logging.getLogger('mmseg').handlers
                if isinstance(h, logging.FileHandler)]


@pytest.mark.parametrize('change, message', [
    (lambda s: s.pop('optimizer'), 'no optimizer = dict'),
    (lambda s: s['optimizer'].update(lr='fast'), 'optimizer.lr must be a number'),
    (lambda s: s['uda'].update(aplha=1), "unknown key uda.aplha, did you mean 'alpha'"),
])
def test_configs_that_do_not_train(data, config, tmp_path, change, message):
    sections = tiny_training.method_config(data, 1)
    change(sections)
    with pytest.raises(ConfigError, match=message):
        train(config(sections), str(tmp_path), CPU, evaluate=False)


def test_a_full_disk_leaves_the_checkpoint_before(data, config, tmp_path, monkeypatch):
    from mmseg_ssr.engine.checkpoint import files as checkpoint
    sections = tiny_training.method_config(data, 4, source_only=True)
    saves, real = [], torch.save

    def fills_up(content, file, *args, **kwargs):
        saves.append(file)
        if len(saves) > 1:
            raise OSError(28, 'No space left on device')
        real(content, file, *args, **kwargs)

    monkeypatch.setattr(checkpoint.torch, 'save', fills_up)
    with pytest.raises(UserError, match='No space left'):
        train(config(sections), str(tmp_path), CPU, evaluate=False)
    assert read_checkpoint(str(tmp_path / 'latest.pth'))['meta']['iter'] == 2


def test_a_schedule_of_the_momentum_is_in_iterations(data, config, tmp_path):
    sections = tiny_training.method_config(data, 4, source_only=True)
    sections['optimizer'] = dict(type='SGD', lr=1e-3, momentum=0.9)
    sections['momentum_config'] = dict(policy='CosineAnnealing', min_momentum=0.1)
    content = read_checkpoint(train(config(sections), str(tmp_path), CPU, evaluate=False))
    momentum = content['optimizer']['param_groups'][0]['momentum']
    assert momentum == pytest.approx(0.1 + 0.4 * (1 + math.cos(math.pi * 3 / 4)))


def test_none_stands_for_the_default(data, config, tmp_path):
    sections = tiny_training.supervised_config(data, 2)
    del sections['optimizer_config']
    sections['checkpoint_config'] = dict(interval=None, max_keep_ckpts=None)
    sections['evaluation'] = dict(interval=None, start=None)
    sections['data'].update(samples_per_gpu=None, workers_per_gpu=None)
    assert train(config(sections), str(tmp_path), CPU).endswith('iter_2.pth')


@pytest.mark.parametrize('key, value', [('filename_tmpl', 'model_{}.pth'), ('out_dir', 'x')])
def test_checkpoints_have_their_names_and_place(data, config, tmp_path, key, value):
    sections = tiny_training.method_config(data, 1)
    sections['checkpoint_config'][key] = value
    with pytest.raises(ConfigError, match=f'unknown key checkpoint_config.{key}'):
        train(config(sections), str(tmp_path), CPU, evaluate=False)
