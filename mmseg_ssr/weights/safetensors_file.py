"""Weights as safetensors, a format that cannot hold code, with mmseg's ``meta`` beside them.

The header of the file has one entry, ``meta``: JSON of config (text), CLASSES, PALETTE, iter.
"""
import json
import os
from typing import Any, Dict, Mapping

from torch import Tensor

from ..errors import CheckpointError, said, unreadable
from ..utils.atomic_file import PathLike
from ..utils.optional import required
from ..utils.paths import check_file

SUFFIX = '.safetensors'
PURPOSE = f'a {SUFFIX} file'


def encode(weights: Mapping[str, Tensor], meta: Mapping[str, Any]) -> bytes:
    """Return a file of tensors and the part of ``meta`` that JSON can hold.

    Raises:
        UserError: the package safetensors is not installed.
    """
    module = required('safetensors.torch', PURPOSE)
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in weights.items()}
    return module.save(tensors, dict(meta=json.dumps(dict(meta))))


def is_safetensors(path: PathLike) -> bool:
    """Whether an existing file is of this format, by its name or its first bytes."""
    with open(path, 'rb') as file:
        length, brace = int.from_bytes(file.read(8), 'little'), file.read(1)
    return os.fspath(path).endswith(SUFFIX) or brace == b'{' and length < os.path.getsize(path)


def read(path: PathLike) -> Dict[str, Any]:
    """Read the file as a checkpoint: ``meta`` and ``state_dict``, on the CPU.

    Raises:
        MissingFile, CheckpointError: the file is missing or damaged.
        UserError: the package safetensors is not installed.
    """
    check_file(path, 'checkpoint')
    module = required('safetensors', PURPOSE)
    try:
        with module.safe_open(path, framework='pt') as file:
            meta = json.loads((file.metadata() or {}).get('meta', '{}'))
            weights = {name: file.get_tensor(name) for name in file.keys()}
    except (module.SafetensorError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise CheckpointError(str(unreadable(path, 'checkpoint', error))) from error
        raise CheckpointError(f'{path} cannot be read, it is damaged or no {SUFFIX} file: '
                              f'{said(error)}') from error
    return dict(meta=meta if isinstance(meta, dict) else {}, state_dict=weights)
