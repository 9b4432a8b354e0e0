"""Weights from a seed, a name and a shape, by the rule in the README of the parity data."""
import math
import zlib
from typing import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

#: The classifier's weights are larger, so that its logits differ.
CLASSIFIER, CLASSIFIER_GAIN = 'conv_seg', 3.


def fill(seed: int, name: str, shape: Sequence[int]) -> np.ndarray:
    """Value of the tensor that the published checkpoint calls ``name``."""
    if name.endswith('num_batches_tracked'):
        return np.zeros(shape, np.int64)
    random = np.random.default_rng(zlib.crc32(f'{seed}:{name}'.encode()))
    z = random.standard_normal(math.prod(shape)).reshape(shape)
    return _scaled(z, name).astype(np.float32)


def _scaled(z: np.ndarray, name: str) -> np.ndarray:
    if name.endswith('running_mean'):
        return 0.1 * z
    if name.endswith('running_var'):
        return 1 + 0.2 * np.abs(z)
    if 'pos_embed' in name or 'rel_pos' in name:
        return 0.1 * z
    if name.endswith('bias'):
        return 0.05 * z
    if z.ndim <= 1:
        return 1 + 0.1 * z
    fan_in = math.prod(z.shape[1:])
    return z * ((CLASSIFIER_GAIN if CLASSIFIER in name else 1.) / np.sqrt(fan_in))


def sample_index(entries: int, samples: int) -> np.ndarray:
    """Flat positions at which a tensor of ``entries`` is sampled: all, or evenly spread."""
    if entries <= samples:
        return np.arange(entries)
    return np.arange(samples) * (entries - 1) // (samples - 1)


def filled(seed: int, names: Mapping[str, str], shapes: Mapping[str, Sequence[int]]
           ) -> Mapping[str, Tensor]:
    """State dict ``{ours: tensor}`` for ``names``, ours -> the published name."""
    return {own: torch.from_numpy(fill(seed, name, tuple(shapes[own])))
            for own, name in names.items()}


def fill_module(module: nn.Module, seed: int, prefix: str) -> None:
    """Fill a module whose names are the published ones behind ``prefix``."""
    state = module.state_dict()
    module.load_state_dict(filled(seed, prefixed(state, prefix), shapes_of(state)))


def prefixed(names: Iterable[str], prefix: str) -> Mapping[str, str]:
    return {name: prefix + name for name in names}


def shapes_of(state: Mapping[str, Tensor]) -> Mapping[str, Sequence[int]]:
    return {name: tensor.shape for name, tensor in state.items()}
