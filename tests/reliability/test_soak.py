"""The long versions: `make soak`. Each prints how often it has done what it did."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny_training
from comparison import assert_same, outcome

from .trainings import KILLED, Training, Undisturbed, finish, sections

pytestmark = pytest.mark.soak
KILLS = 10
SIGNALS = 10
LONG = 40


def command(config, folder):
    return [sys.executable, str(tiny_training.ROOT / 'run_experiments.py'), '--config',
            str(config), '--work-dir', str(folder), '--resume-from', 'auto', '--device', 'cpu',
            '--deterministic']


def start(config, folder):
    """A process as a user starts it, with all its imports."""
    with open(f'{folder}.out', 'a') as output:
        return subprocess.Popen(command(config, folder), stdout=output, stderr=output,
                                start_new_session=True)


@pytest.fixture(scope='module')
def long_configs(data, tmp_path_factory):
    """A training of some seconds, with 0, 1 and 2 loader workers."""
    paths = []
    for workers in range(3):
        config = sections(data, workers)
        config['runner']['max_iters'] = LONG
        config['checkpoint_config']['interval'] = 3
        config['evaluation']['interval'] = 7
        folder = tmp_path_factory.mktemp(f'long{workers}')
        paths.append(tiny_training.write_config(folder / 'training.py', config))
    return paths


@pytest.fixture(scope='module')
def whole(long_configs, tmp_path_factory):
    """That training left alone: (outcome, seconds)."""
    folder = tmp_path_factory.mktemp('whole') / 'run'
    begin = time.monotonic()
    assert start(long_configs[0], folder).wait() == 0, Path(f'{folder}.out').read_text()[-2000:]
    return outcome(folder), time.monotonic() - begin


def interrupted(config, folder, interrupt, moments):
    """Start a training again and again until it comes to its end; how often it was interrupted.

    Args:
        interrupt: does so to a process.
        moments: gives seconds after a start.
    """
    count = 0
    while True:
        process = start(config, folder)
        try:
            code = process.wait(moments())
            assert code == 0, Path(f'{folder}.out').read_text()[-2000:]
            return count
        except subprocess.TimeoutExpired:
            interrupt(process)
            count += 1


@pytest.mark.parametrize('workers', [0, 1, 2])
def test_processes_killed_at_random_moments(workers, long_configs, whole, tmp_path, draws):
    expected, seconds = whole
    kills = trainings = 0

    def kill(process):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    while kills < KILLS:
        folder = tmp_path / f'run{trainings}'
        kills += interrupted(long_configs[workers], folder, kill,
                             lambda: draws.uniform(0.3, 1) * seconds)
        trainings += 1
        assert_same(outcome(folder), expected)
    print(f'\n{kills} kills with {workers} loader workers in {trainings} trainings')


def test_killed_before_every_step_of_writing(data, tmp_path, draws):
    """The whole of a training, from its first file to its result."""
    config = sections(data)
    config['runner']['max_iters'] = 4
    config['evaluation']['interval'] = 2
    config = tiny_training.write_config(tmp_path / 'training.py', config)
    (tmp_path / 'undisturbed').mkdir()
    undisturbed = Undisturbed(config, tmp_path / 'undisturbed')
    names = undisturbed.steps
    moments = [step for step, name in enumerate(names) if name != 'write']
    writes = [step for step, name in enumerate(names) if name == 'write']
    moments += draws.sample(writes, 20)
    for step in moments:
        folder = tmp_path / f'killed-at-{step}'
        training = Training(config, folder, kill_at=step)
        assert training.wait() == KILLED, step
        finish(config, folder)
        assert_same(outcome(folder), undisturbed.outcome, f'{step} ({names[step]})')
    print(f'\n{len(moments)} kills, before each of {len(moments) - 20} calls and inside 20 of '
          f'{len(writes)} writes')


@pytest.mark.parametrize('workers', [0, 2])
def test_signals_at_random_moments(workers, long_configs, whole, tmp_path, draws):
    expected, seconds = whole
    sent = answered = trainings = 0

    def signaled(process):
        nonlocal answered
        signum = draws.choice([signal.SIGINT, signal.SIGTERM])
        os.killpg(process.pid, signum)
        code = process.wait(60)
        # while Python starts nobody listens yet; it may also have ended just now
        said = Path(f'{folder}.out').read_text()
        assert code in (128 + signum, -signum, 0), said[-2000:]
        answered += bool(said) and 'which is saved' in said.splitlines()[-1]

    while sent < SIGNALS:
        folder = tmp_path / f'run{trainings}'
        sent += interrupted(long_configs[workers], folder, signaled,
                            lambda: draws.uniform(0.3, 1) * seconds)
        trainings += 1
        assert_same(without_files_of_signals(outcome(folder)),
                    without_files_of_signals(expected))
    print(f'\n{sent} signals to all processes in {trainings} trainings, {answered} answered with a '
          'saved training')


def without_files_of_signals(result):
    """The last but one checkpoint may be that of a signal."""
    kept = {name: content for name, content in result['checkpoints'].items()
            if name == f'iter_{LONG}.pth' or 'best' in name}
    return dict(result, files=None, checkpoints=kept)
