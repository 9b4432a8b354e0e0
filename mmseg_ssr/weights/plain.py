"""Values that can be read back without running code."""
from typing import Any

import numpy as np
import torch


def plain(value: Any) -> Any:
    """Move tensors to the CPU, and turn numpy's scalars and arrays into Python's and torch's."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    return value
