"""Trainings that are killed, and the one that was not, to compare with."""
import json
import time

import pytest
import tiny_training
from comparison import outcome
from trainings import Training

ITERATIONS = 8


def sections(data, workers=0):
    """Every part of the step; a checkpoint after each iteration, scores now and then."""
    config = tiny_training.ssr_config(data, ITERATIONS)
    config['data']['workers_per_gpu'] = workers
    config['checkpoint_config']['interval'] = 1
    config['evaluation'] = dict(interval=3, metric='mIoU', save_best='mIoU')
    config['log_config'] = dict(interval=2, hooks=[
        dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook')])
    return config


@pytest.fixture(scope='session')
def configs(data, tmp_path_factory):
    """Config files of the same training with 0, 1 and 2 loader workers."""
    folders = [tmp_path_factory.mktemp(f'workers{n}') for n in range(3)]
    return [tiny_training.write_config(folder / 'training.py', sections(data, n))
            for n, folder in enumerate(folders)]


class Undisturbed:
    """A training that was left alone: its outcome, duration and steps of writing files."""

    def __init__(self, config, folder):
        protocol = folder / 'steps.json'
        Training(config, folder / 'warm', '--cfg-options', 'runner.max_iters=1').wait()
        start = time.monotonic()
        training = Training(config, folder / 'run', protocol=protocol)
        assert training.wait() == 0, training.text()[-3000:]
        self.seconds = time.monotonic() - start
        self.folder = folder / 'run'
        self.steps = json.loads(protocol.read_text())
        self.outcome = outcome(self.folder)


@pytest.fixture(scope='session')
def undisturbed(configs, tmp_path_factory):
    return Undisturbed(configs[0], tmp_path_factory.mktemp('undisturbed'))
