"""Seeds, and random states that a checkpoint can hold."""
import os
import random
from typing import Any, Dict

import numpy as np
import torch

from ... import distributed


def set_seed(seed: int, deterministic: bool = False, autotune: bool = False) -> None:
    """Seed Python, numpy and torch.

    Args:
        seed: integer of at least 0.
        deterministic: ask torch for kernels that repeat to the bit.
        autotune: let cuDNN choose kernels by timing them. The choice may differ from run to run.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    if deterministic:  # before cuBLAS starts, whose products differ from run to run otherwise
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    torch.backends.cudnn.benchmark = autotune and not deterministic
    torch.backends.cudnn.deterministic = deterministic
    # Some GPU kernels (bilinear interpolation) have no deterministic backward: warn, do not stop.
    torch.use_deterministic_algorithms(deterministic, warn_only=True)


def seed_process(seed: int, iteration: int) -> None:
    """Seed this process for an iteration, so that each of several processes draws its own dropout.

    Checkpoints then need no random state of each process, and a training can be resumed with
    another number of processes.
    """
    words = np.random.SeedSequence([seed, distributed.rank(), iteration]).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(words[1])
    torch.manual_seed(int(words[2]))


def draw_seed() -> int:
    """Draw a seed from the operating system, for a run without one."""
    return random.SystemRandom().randrange(2**31)


def random_state() -> Dict[str, Any]:
    """Return the states of all generators in plain containers.

    ``torch.load(weights_only=True)`` can read them.
    """
    name, keys, *numpy_rest = np.random.get_state()
    return dict(
        python=random.getstate(),
        numpy=(name, torch.from_numpy(keys.astype(np.int64)), *numpy_rest),
        torch=torch.get_rng_state(),
        devices=torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])


def restore_random_state(state: Dict[str, Any]) -> None:
    """Reset all generators to a ``state`` that :func:`random_state` returned.

    If the number of accelerators has changed, their generators are left alone.
    """
    version, internal, gauss = state['python']
    random.setstate((version, tuple(internal), gauss))
    name, keys, *numpy_rest = state['numpy']
    np.random.set_state((name, keys.numpy().astype(np.uint32), *numpy_rest))
    torch.set_rng_state(state['torch'].cpu())
    if state['devices'] and len(state['devices']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([device.cpu() for device in state['devices']])
