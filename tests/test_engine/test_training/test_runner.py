"""A resumed training ends as one that was never interrupted, to the bit."""
import logging
import os
import shutil

import pytest
import tiny_training
import torch
from comparison import assert_same, without_times

from mmseg_ssr.engine.checkpoint.files import checkpoints_in, read_checkpoint, write_checkpoint
from mmseg_ssr.engine.config.saved import config_text
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import CheckpointError, ConfigError
from mmseg_ssr.regularizer.sam_network import build_image_encoder
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')

METHODS = {
    'ssr': tiny_training.ssr_config,
    'daformer': tiny_training.method_config,
    'source_only': lambda data, n: tiny_training.method_config(data, n, source_only=True),
    'own_teacher': lambda data, n: tiny_training.method_config(
        data, n, mask_mode='separate', mask_alpha=0.5, mask_lambda=1,
        mask_generator=dict(type='block', mask_ratio=0.5, mask_block_size=8)),
    'rounds_of_three': lambda data, n: tiny_training.method_config(
        data, n, cumulative_iters=3, amp=dict(dtype='float16')),
    'read_late': lambda data, n: tiny_training.method_config(data, n, watch_interval=4),
    'supervised': tiny_training.supervised_config,
    'supervised_ssr': lambda data, n: tiny_training.supervised_config(
        data, n, type='SSREncoderDecoder', regularizer=tiny_training.tiny_regularizer()),
}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(cfg, folder, **options):
    return read_checkpoint(train(cfg, str(folder), CPU, evaluate=False, **options))


@pytest.mark.parametrize('name', METHODS)
def test_resumed_is_never_stopped(name, data, config, tmp_path):
    cfg = config(METHODS[name](data, 5))
    cfg.checkpoint_config.max_keep_ckpts = -1
    whole = run(cfg, tmp_path / 'whole')
    (tmp_path / 'cut').mkdir()
    os.rename(tmp_path / 'whole' / 'iter_2.pth', tmp_path / 'cut' / 'iter_2.pth')
    resumed = run(cfg, tmp_path / 'cut', resume_from='auto')
    assert whole['meta']['iter'] == 5
    assert_same(without_times(whole), without_times(resumed))


def test_resume_with_other_workers_after_other_draws(data, config, tmp_path):
    sections = tiny_training.ssr_config(data, 4)
    whole = run(config(sections), tmp_path / 'whole')
    torch.manual_seed(99)
    sections['data']['workers_per_gpu'] = 1
    resumed = run(config(sections), tmp_path / 'cut',
                  resume_from=str(tmp_path / 'whole' / 'iter_2.pth'))
    for key in ('state_dict', 'optimizer', 'training_state', 'random_state'):
        assert_same(whole[key], resumed[key], key)


def test_the_comparison_notices_another_seed(data, config, tmp_path):
    cfg = config(tiny_training.ssr_config(data, 2))
    one, other = run(cfg, tmp_path / 'a'), run(cfg, tmp_path / 'b', seed=8)
    with pytest.raises(AssertionError):
        assert_same(one['state_dict'], other['state_dict'])


def test_a_checkpoint_is_an_mmseg_checkpoint(data, config, tmp_path):
    """Contract C1: the student alone, plain names, and all else under keys of its own."""
    cfg = config(tiny_training.ssr_config(data, 2))
    path = train(cfg, str(tmp_path), CPU, evaluate=False)
    content = torch.load(path, weights_only=True)
    from mmseg_ssr.engine.build import build_test_model
    assert set(content['state_dict']) == set(build_test_model(cfg).state_dict())
    assert len(content['meta']['CLASSES']) == len(content['meta']['PALETTE']) == 19
    assert content['meta']['iter'] == 2 and content['meta']['seed'] == 3
    assert content['meta']['config'] == config_text(cfg)
    assert {'optimizer', 'training_state', 'random_state', 'log_buffer'} <= set(content)


def test_the_last_two_are_kept_and_latest_is_the_last(data, config, tmp_path):
    sections = tiny_training.method_config(data, 5, source_only=True)
    sections['checkpoint_config']['interval'] = 1
    run(config(sections), tmp_path)
    assert [os.path.basename(path) for path in checkpoints_in(str(tmp_path))] == [
        'iter_5.pth', 'iter_4.pth']
    assert read_checkpoint(str(tmp_path / 'latest.pth'))['meta']['iter'] == 5
    assert not list(tmp_path.glob('*.part*'))


def test_all_can_be_kept(data, config, tmp_path):
    sections = tiny_training.method_config(data, 4, source_only=True)
    sections['checkpoint_config'].update(interval=1, max_keep_ckpts=-1)
    run(config(sections), tmp_path)
    assert len(checkpoints_in(str(tmp_path))) == 4


def test_auto_starts_anew_where_there_is_nothing(data, config, tmp_path):
    cfg = config(tiny_training.method_config(data, 1, source_only=True))
    assert run(cfg, tmp_path, resume_from='auto')['meta']['iter'] == 1


def test_auto_passes_over_a_damaged_checkpoint(data, config, tmp_path, caplog):
    cfg = config(tiny_training.method_config(data, 4, source_only=True))
    whole = run(cfg, tmp_path / 'a')
    path = tmp_path / 'a' / 'iter_4.pth'
    path.write_bytes(path.read_bytes()[:5000])
    with caplog.at_level(logging.WARNING):
        again = run(cfg, tmp_path / 'a', resume_from='auto')
    assert_same(whole['state_dict'], again['state_dict'])


@pytest.mark.parametrize('change, message', [
    (lambda c: c.pop('random_state'), 'lacks random_state.*--load-from'),
    (lambda c: c.pop('training_state'), 'lacks training_state.*--load-from'),
    (lambda c: c['meta'].update(iter=9), r'at iteration 9, past the end .*\(2 iterations\)'),
    (lambda c: c['training_state'].update(teachers=[]), 'does not fit the training'),
    (lambda c: c['optimizer']['param_groups'].pop(), r'groups of \[\d+\] parameters, this config '
     r'makes groups of \[\d+, \d+\]'),
    (lambda c: c['optimizer'].update(param_groups=3), 'damaged: its optimizer has no groups'),
    (lambda c: c['optimizer']['state'].update({0: {}}),
     "changed.pth does not fit .*states of several kinds, {} and {'exp_avg': 'Tensor'"),
    (lambda c: c['optimizer']['state'][3].update(exp_avg=-1), "several kinds.*'exp_avg': 'int'"),
    (lambda c: c['optimizer']['state'][3]['exp_avg_sq'].fill_(float('inf')),
     'exp_avg_sq of the optimizer holds numbers that are not finite'),
    (lambda c: next(value for name, value in c['training_state']['teachers'][0]['network'].items()
                    if name.endswith('running_var')).fill_(-1.),
     'running_var is a variance and holds numbers below 0'),
])
def test_what_cannot_be_resumed(data, config, tmp_path, change, message):
    cfg = config(tiny_training.method_config(data, 2))
    content = run(cfg, tmp_path / 'a')
    change(content)
    path = str(tmp_path / 'changed.pth')
    write_checkpoint(content, path)
    with pytest.raises(CheckpointError, match=message) as error:
        run(cfg, tmp_path / 'b', resume_from=path)
    assert '\n' not in str(error.value)


def test_auto_goes_on_with_the_same_config_only(data, config, tmp_path):
    cfg = config(tiny_training.method_config(data, 2, source_only=True))
    run(cfg, tmp_path / 'a')
    cfg.runner.max_iters = 4
    with pytest.raises(ConfigError, match=(
            'another config than .* is now in runner.max_iters: .*--resume-from FILE')):
        run(cfg, tmp_path / 'a', resume_from='auto')
    path = str(tmp_path / 'a' / 'iter_2.pth')
    assert run(cfg, tmp_path / 'a', resume_from=path)['meta']['iter'] == 4


def test_a_resumed_training_that_lost_images_says_so(data, config, tmp_path, caplog):
    own = shutil.copytree(data, tmp_path / 'data')
    cfg = config(tiny_training.method_config(own, 2, source_only=True))
    assert run(cfg, tmp_path / 'a')['meta']['images'] == dict(source=6, target=4)
    resume = dict(resume_from=str(tmp_path / 'a' / 'iter_2.pth'))
    run(cfg, tmp_path / 'b', **resume)
    assert 'its iterations have other samples' not in caplog.text
    for image in (next((own / 'gta/images').iterdir()),
                  next((own / 'cityscapes/leftImg8bit/train').rglob('*.png'))):
        image.unlink()
    run(cfg, tmp_path / 'c', **resume)
    for change in ('6 source images, this one finds 5', '4 target images, this one finds 3'):
        assert (f'iter_2.pth was written by a training on {change}: its iterations have other '
                'samples') in caplog.text


def test_a_resumed_training_with_other_weights_says_so(data, config, tmp_path, caplog):
    keys = tiny_training.ssr_config(data)
    encoder = keys['uda']['regularizer']['encoder']
    network = build_image_encoder('vit_b', encoder['input_size'], encoder['encoder_args'])
    encoder['checkpoint'] = str(tmp_path / 'sam.pth')
    torch.save(network.state_dict(), encoder['checkpoint'])
    cfg = config(keys)
    cfg.runner.max_iters = 2
    assert list(run(cfg, tmp_path / 'a')['meta']['weight_files']) == [
        'uda.regularizer.encoder.checkpoint']
    resume = dict(resume_from=str(tmp_path / 'a' / 'iter_2.pth'))
    run(cfg, tmp_path / 'b', **resume)
    assert 'with other weights' not in caplog.text
    network.neck[0].weight.data.mul_(2)
    torch.save(network.state_dict(), encoder['checkpoint'])
    run(cfg, tmp_path / 'c', **resume)
    assert ('iter_2.pth was written by a training with other weights in the file of '
            'uda.regularizer.encoder.checkpoint: put that file back') in caplog.text


def test_load_from_takes_the_weights_and_starts_at_zero(data, config, tmp_path):
    cfg = config(tiny_training.method_config(data, 2))
    first = run(cfg, tmp_path / 'a')
    cfg.optimizer.lr = 0.0
    cfg.load_from = str(tmp_path / 'a' / 'latest.pth')
    second = run(cfg, tmp_path / 'b')
    weight = 'decode_head.conv_seg.weight'
    assert torch.equal(first['state_dict'][weight], second['state_dict'][weight])
    assert second['training_state']['iteration'] == 2
