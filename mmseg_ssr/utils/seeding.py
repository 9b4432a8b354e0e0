"""Random numbers of a sample as a function of the seed and its position alone."""
import random
from contextlib import contextmanager
from typing import Iterator

import numpy as np
import torch


@contextmanager
def seeded(*entropy: int) -> Iterator[np.random.Generator]:
    """Seed the global generators of random, numpy and torch (CPU), and restore them afterwards.

    mmseg's pipelines draw from the global generators. Inside this block what they draw depends
    on ``entropy`` (integers >= 0) only; the code outside does not notice.

    Yields:
        A generator of its own for decisions that are not made in a pipeline.
    """
    words = np.random.SeedSequence(entropy).generate_state(4)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    # not torch.manual_seed: that would seed the generators of the accelerators too
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(int(words[0]))
        random.seed(words.tobytes())
        np.random.seed(words)
        try:
            yield np.random.default_rng(words)
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
