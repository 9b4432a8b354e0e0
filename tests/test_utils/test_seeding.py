import random

import numpy as np
import pytest
import torch

from mmseg_ssr.utils.seeding import seeded


def draw():
    return random.random(), np.random.rand(), float(torch.rand(()))


def test_draws_depend_on_the_entropy_alone():
    with seeded(3, 14) as rng:
        first = (*draw(), rng.random())
    draw()
    with seeded(3, 14) as rng:
        assert (*draw(), rng.random()) == first
    with seeded(3, 15) as rng:
        assert not {*draw(), rng.random()} & set(first)


def test_outside_nothing_is_noticed_even_after_an_error():
    def seed_all():
        random.seed(1), np.random.seed(1), torch.manual_seed(1)

    seed_all()
    expected = draw()
    seed_all()
    with pytest.raises(RuntimeError, match='inside'):
        with seeded(0):
            draw()
            raise RuntimeError('inside')
    assert draw() == expected
