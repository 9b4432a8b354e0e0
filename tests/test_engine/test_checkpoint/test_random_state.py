import random

import numpy as np
import torch

from mmseg_ssr.engine.checkpoint.files import read_checkpoint, write_checkpoint
from mmseg_ssr.engine.checkpoint.random_state import (
    draw_seed,
    random_state,
    restore_random_state,
    seed_process,
    set_seed,
)


def draw():
    return (random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(),
            torch.rand(1).item(), torch.randn(1).item())


def test_restored_through_a_file(tmp_path):
    draw()
    path = str(tmp_path / 'state.pth')
    write_checkpoint(dict(random_state=random_state()), path)
    first = draw()
    restore_random_state(read_checkpoint(path)['random_state'])
    assert draw() == first


def test_seeds_repeat_and_differ():
    set_seed(1)
    first = draw()
    set_seed(2)
    assert draw() != first
    set_seed(1)
    assert draw() == first


def test_a_seed_switches_autotuning_off():
    set_seed(1, autotune=True)
    assert torch.backends.cudnn.benchmark
    set_seed(1, deterministic=True, autotune=True)
    assert not torch.backends.cudnn.benchmark
    assert torch.are_deterministic_algorithms_enabled()
    set_seed(1)
    assert not torch.backends.cudnn.benchmark
    assert not torch.are_deterministic_algorithms_enabled()


def test_drawn_seeds_differ():
    assert len({draw_seed() for _ in range(5)}) > 1


def test_each_process_and_iteration_draws_its_own(monkeypatch):
    drawn = {}
    for rank in (0, 1):
        monkeypatch.setattr('mmseg_ssr.distributed.rank', lambda rank=rank: rank)
        for seed in (0, 1):
            for iteration in (0, 1):
                seed_process(seed, iteration)
                drawn[rank, seed, iteration] = random.random(), np.random.rand(), torch.rand(1)
                seed_process(seed, iteration)
                assert (random.random(), np.random.rand(), torch.rand(1)) == \
                    drawn[rank, seed, iteration]
    for kind in zip(*drawn.values()):
        assert len(set(map(float, kind))) == 8


def test_a_seed_may_be_larger_than_numpys():
    set_seed(2 ** 32 + 5)
    first = np.random.rand()
    set_seed(5)
    assert np.random.rand() == first
