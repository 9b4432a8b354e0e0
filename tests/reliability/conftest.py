"""Trainings that are killed, and the one that was not, to compare with."""
import os
import random

import pytest
import tiny_training

from .trainings import Undisturbed, sections


@pytest.fixture(scope='session')
def configs(data, tmp_path_factory):
    """Config files of the same training with 0, 1 and 2 loader workers."""
    folders = [tmp_path_factory.mktemp(f'workers{n}') for n in range(3)]
    return [tiny_training.write_config(folder / 'training.py', sections(data, n))
            for n, folder in enumerate(folders)]


@pytest.fixture(scope='session')
def undisturbed(configs, tmp_path_factory):
    return Undisturbed(configs[0], tmp_path_factory.mktemp('undisturbed'))


@pytest.fixture
def draws():
    """Random numbers, others in every run; a run with ``RELIABILITY_SEED=N`` repeats those of N."""
    seed = int(os.environ.get('RELIABILITY_SEED') or random.SystemRandom().randrange(2**32))
    print(f'RELIABILITY_SEED={seed} draws the same again')
    return random.Random(seed)
