"""Random numbers that only depend on the seed and the position of a sample."""
import random
from contextlib import contextmanager
from typing import Iterator

import numpy as np
import torch


@contextmanager
def seeded(*entropy: int) -> Iterator[np.random.Generator]:
    """Seed the global generators of random, numpy and torch (CPU), and restore them afterwards.

    mmseg's pipelines draw from the global generators. Inside this block their draws only depend on
    ``entropy`` (integers >= 0). Code outside is not affected.

    Yields:
        A separate generator, for decisions outside a pipeline.
    """
    words = np.random.SeedSequence(entropy).generate_state(4)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    # torch.manual_seed would seed the generators of the accelerators too
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(int(words[0]))
        random.seed(words.tobytes())
        np.random.seed(words)
        try:
            yield np.random.default_rng(words)
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
