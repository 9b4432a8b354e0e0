"""What came out of a command, in a form that can be compared."""
import hashlib
import pickle
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import torch


def digest(value: Any) -> str:
    """The same for the same numbers, whatever file they are in."""
    summary = hashlib.sha256()

    def add(part: Any) -> None:
        if isinstance(part, torch.Tensor):
            part = part.contiguous().cpu().numpy()
        if isinstance(part, np.ndarray):
            summary.update(str(part.shape).encode() + part.tobytes())
        elif isinstance(part, dict):
            for key in sorted(part, key=str):
                summary.update(str(key).encode())
                add(part[key])
        elif isinstance(part, (list, tuple)):
            for item in part:
                add(item)
        else:
            summary.update(repr(part).encode())

    add(value)
    return summary.hexdigest()


def trained(path: Path, keys: Sequence[str] = ('state_dict', 'training_state')) -> str:
    """Of a training: what its last checkpoint holds."""
    content = torch.load(path, map_location='cpu', weights_only=True)
    return digest([content[key] for key in keys if key in content])


def scores_in(folder: Path) -> str:
    """Of a test: the counts of each image."""
    return digest(pickle.loads((folder / 'out.pkl').read_bytes()))
