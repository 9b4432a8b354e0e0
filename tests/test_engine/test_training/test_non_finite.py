"""A training whose numbers are not finite: what it says, what it leaves, what can be run again."""
import glob
import math

import pytest
import tiny_training
import torch

from mmseg_ssr.engine.checkpoint.files import checkpoints_in, read_checkpoint, write_checkpoint
from mmseg_ssr.engine.training.non_finite import replay
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import CheckpointError
from mmseg_ssr.uda import NotFinite
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')


@pytest.fixture
def broken(data, config, tmp_path, monkeypatch):
    """Trains until an iteration breaks; ``(error, folder)``."""

    def run(sections, **options):
        # A rate at which the weights leave the range of float32 within a few iterations.
        sections['optimizer'] = dict(type='SGD', lr=1e30)
        sections['lr_config'] = dict(policy='fixed', by_epoch=False)
        cfg = config(sections)
        with pytest.raises(NotFinite) as error:
            train(cfg, str(tmp_path / 'run'), CPU, evaluate=False, **options)
        return error.value, tmp_path / 'run'

    return run


@pytest.mark.parametrize('sections', [tiny_training.ssr_config, tiny_training.supervised_config])
def test_stops_with_iteration_term_samples_and_a_file_that_repeats_it(broken, data, sections):
    error, folder = broken(sections(data, 8))
    path, = glob.glob(f'{folder}/not_finite_iter_*.pth')
    assert path.endswith(f'_{error.iteration + 1}.pth') and f'mmseg-ssr replay {path}' in str(error)
    assert '/gta/images/' in str(error) and 'loss' in str(error)
    losses, parameters = replay(path, CPU)
    assert any(not math.isfinite(value) for value in losses.values()) or parameters
    recorded = read_checkpoint(path)['terms']
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    assert bad == [name for name in recorded if name in losses]


def test_the_weights_are_those_before_the_iteration(broken, data):
    error, folder = broken(tiny_training.method_config(data, 8))
    path, = glob.glob(f'{folder}/not_finite_iter_*.pth')
    weights = read_checkpoint(path)['state_dict']
    assert all(value.isfinite().all() for name, value in weights.items() if 'running' not in name)


def test_replay_repeats_the_losses_of_a_sound_iteration(data, config, tmp_path, monkeypatch):
    """With the file of an iteration that was stopped for no reason."""
    cfg = config(tiny_training.ssr_config(data, 4))
    sound = {}

    def stop_at_third(watch, iteration, numbers, notes):
        if iteration == 2:
            sound.update({name: float(value.mean()) for name, value in numbers.items()})
            raise NotFinite(iteration, ['nothing'])
        return {name: float(value.mean()) for name, value in numbers.items()}, []

    monkeypatch.setattr('mmseg_ssr.uda.FiniteCheck.read', stop_at_third)
    with pytest.raises(NotFinite, match='not_finite_iter_3.pth'):
        train(cfg, str(tmp_path / 'run'), CPU, evaluate=False)
    losses, parameters = replay(f'{tmp_path}/run/not_finite_iter_3.pth', CPU)
    assert parameters == []
    assert losses == {name: sound[name] for name in losses} and 'enhanced.loss_ce' in losses


def test_a_skipped_iteration_leaves_no_trace_in_batch_norm(method, batch):
    segmentor = method(not_finite='skip')
    segmentor.finite_check.warn = lambda line: None
    optimizer = torch.optim.SGD(segmentor.parameters(), lr=0.1)
    networks = (segmentor.model, segmentor.teacher.network)
    before = [buffer.clone() for network in networks for buffer in network.buffers()]
    batch['img'] = torch.full_like(batch['img'], float('nan'))
    assert segmentor.train_step(batch, optimizer)['log_vars']['skipped_updates'] == 1
    after = [buffer for network in networks for buffer in network.buffers()]
    assert before and all(map(torch.equal, before, after))
    resumed = method(not_finite='skip')
    resumed.load_training_state(segmentor.training_state())
    assert resumed.finite_check.skipped == 1


def test_skipped_updates_go_on_and_are_counted(data, config, tmp_path, monkeypatch):
    sections = tiny_training.method_config(data, 4, not_finite='skip')
    cfg = config(sections)
    collect = 'mmseg_ssr.uda.update.optimization.Optimization.collect'
    monkeypatch.setattr(collect, lambda self, due, optimizer: [torch.tensor(float('nan'))])
    content = read_checkpoint(train(cfg, str(tmp_path / 'run'), CPU, evaluate=False))
    assert content['training_state']['skipped'] == 4
    assert content['log_buffer']['values']['skipped_updates'][-1] == 4
    first, = [read_checkpoint(path) for path in checkpoints_in(str(tmp_path / 'run'))
              if path.endswith('iter_2.pth')]
    same = [torch.equal(content['state_dict'][name], value)
            for name, value in first['state_dict'].items() if 'running' not in name
            and 'num_batches' not in name]
    assert all(same)


def test_another_file_is_refused(tmp_path):
    path = str(tmp_path / 'iter_1.pth')
    write_checkpoint(dict(state_dict={}, meta={}), path)
    with pytest.raises(CheckpointError, match='no iteration to run again'):
        replay(path, CPU)


@pytest.mark.parametrize('iterations', [3, 8])
def test_a_late_reading_comes_before_a_checkpoint_and_gives_no_file(broken, data, iterations):
    """The weights are of after the iteration: there is nothing to run again."""
    sections = tiny_training.method_config(data, iterations, watch_interval=5)
    sections['checkpoint_config']['interval'] = 4
    error, folder = broken(sections)
    assert error.late and error.iteration < 4 and 'replay' not in str(error)
    assert checkpoints_in(str(folder)) == [] and not list(folder.glob('not_finite*'))
