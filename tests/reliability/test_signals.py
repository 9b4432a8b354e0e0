"""Ctrl-C and SIGTERM, as a terminal and a batch system send them: to every process of a run."""
import os
import signal
import time

from comparison import assert_same, outcome

from mmseg_ssr.engine.on_device import OnDevice

from .trainings import Training, finish


def sleep_in_the_third_iteration():
    """Long enough to be told twice."""
    steps, real = [], OnDevice.train_step

    def train_step(*args, **kwargs):
        steps.append(args)
        if len(steps) == 3:
            print('asleep', flush=True)
            time.sleep(300)
        return real(*args, **kwargs)

    OnDevice.train_step = train_step


def test_ctrl_c_reaches_the_loaders_too(undisturbed, configs, tmp_path):
    folder = tmp_path / 'run'
    training = Training(configs[2], folder)
    training.wait_for('Saving checkpoint at 2 iterations')
    os.killpg(training.pid, signal.SIGINT)
    assert training.wait() == 130
    last = training.text().splitlines()[-1]
    assert last.startswith('stopped by SIGINT after iteration ')
    assert last.endswith(f'; to go on: python run_experiments.py --config {configs[2]} --device '
                         f'cpu --deterministic --work-dir {folder} --resume-from auto')
    assert 'Traceback' not in training.text()
    finish(configs[2], folder)
    assert_same(outcome(folder), undisturbed.outcome)


def test_the_second_signal_ends_at_once(undisturbed, configs, tmp_path):
    folder = tmp_path / 'run'
    training = Training(configs[0], folder, prepare=sleep_in_the_third_iteration)
    training.wait_for('asleep')
    os.kill(training.pid, signal.SIGTERM)
    training.wait_for('SIGTERM: stopping after this iteration; again: at once')
    os.kill(training.pid, signal.SIGTERM)
    assert training.wait(30) == -signal.SIGTERM
    finish(configs[0], folder)
    assert_same(outcome(folder), undisturbed.outcome)
