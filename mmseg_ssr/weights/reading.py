"""Safe reading of weights files."""
import pickle
import re
import zipfile
import zlib
from typing import Any, Dict, Mapping

import torch
from torch import Tensor

from ..errors import CheckpointError, RefusedFile, one_line, unreadable
from ..utils.atomic_file import PathLike
from ..utils.paths import check_file
from . import safetensors_file
from .published import how_to_get

CHUNK = 2 ** 20


def find_weights(path: PathLike) -> str:
    """Return ``path`` if the file exists.

    Raises:
        MissingFile: there is no such file. The message tells how to get a published one.
        CheckpointError: it is a folder, a named pipe or a device, or may not be read.
    """
    try:
        check_file(path, 'weights file', how_to_get(path))
    except RefusedFile as error:
        raise CheckpointError(str(error)) from error
    return str(path)


def read_weights(path: PathLike) -> Dict[str, Tensor]:
    """Read the state dict in a file of torch or safetensors, without running any code in it.

    Raises:
        MissingFile: there is no such file. The message tells how to get a published one.
        CheckpointError: the file is truncated, is no weights file, holds Python objects that could
            run code, or holds no state dict.
        UserError: the package that reads safetensors is not installed.
    """
    find_weights(path)
    weights = (safetensors_file.read(path) if safetensors_file.is_safetensors(path)
               else _load_plain(path))
    weights = weights.get('state_dict', weights) if isinstance(weights, dict) else weights
    if not isinstance(weights, dict) or not weights or not all(isinstance(k, str) for k in weights):
        raise CheckpointError(f'weights file {path} holds no state dict')
    return weights


def _load_plain(path: PathLike) -> Any:
    check_sums(path)
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:
        refuse_code(path, error)
        if isinstance(error, OSError) and error.errno is not None:
            raise CheckpointError(str(unreadable(path, 'weights file', error))) from error
        raise CheckpointError(f'weights file {path} cannot be read, it may be truncated: remove '
                              f'it, then {how_to_get(path)}') from error


def check_sums(path: PathLike) -> None:
    """Compare the bytes of a zip file with its checksums. Torch does not compare them.

    Raises:
        CheckpointError: they differ.
    """
    if not zipfile.is_zipfile(path):  # files of torch before 1.6 have no checksums
        return
    try:
        with zipfile.ZipFile(path) as archive:
            if not archive.infolist():
                raise ValueError('there is nothing in it')
            for record in archive.infolist():
                with archive.open(record) as file:
                    while record.CRC and file.read(CHUNK):  # 0 if torch was told to omit it
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise CheckpointError(str(unreadable(path, 'file', error))) from error
        raise CheckpointError(f'{path} is damaged: its bytes are not those that were written '
                              f'({one_line(error)})') from error


def check_values(weights: Mapping[str, Any], wanted: Mapping[str, Tensor],
                 path: PathLike) -> None:
    """Check that the weights for the names in ``wanted`` are finite numbers of the same kind.

    Variances of batch norms must not be below 0.
    Torch would accept weights of a training that diverged, and would cut fractions to integers.

    Raises:
        CheckpointError: some weights are not. The message names the first of them.
    """
    for name, expected in wanted.items():
        value = weights.get(name, expected)
        if not isinstance(value, Tensor) or value.is_meta and not expected.is_meta:
            raise CheckpointError(f'{path}: {name} is no tensor with values')
        if value.is_floating_point() != expected.is_floating_point() or value.is_complex():
            raise CheckpointError(f'{path}: {name} is of type {value.dtype}, expected '
                                  f'{expected.dtype}')
        if value.is_floating_point() and not (value.is_meta or torch.isfinite(value).all()):
            raise CheckpointError(f'{path}: {name} holds numbers that are not finite, as after a '
                                  'training that diverged: use an earlier checkpoint')
        if has_negative_variance(name, value):
            raise CheckpointError(f'{path}: {name} is a variance and holds numbers below 0, which '
                                  'no training makes: get the file again')


def has_negative_variance(name: str, value: Tensor) -> bool:
    """Whether a tensor holds variances of a batch norm, some of them below 0.

    The network would make NaN of them.
    """
    return name.endswith('running_var') and not value.is_meta and bool((value < 0).any())


def refuse_code(path: PathLike, error: Exception) -> None:
    """Raise if ``torch.load(weights_only=True)`` failed because of a Python object.

    Args:
        path: path of the file.
        error: error of ``torch.load``.

    Raises:
        CheckpointError: the file holds Python objects. The message names one and says what to do.
    """
    unknown = re.search(r'GLOBAL (\S+)', str(error))
    if isinstance(error, pickle.UnpicklingError) and unknown:
        raise CheckpointError(
            f'{path} is not read: it holds Python objects ({unknown[1]}) that could run code; if '
            f'you trust where it is from, keep its tensors alone: mmseg-ssr plain-weights '
            f'{path} OUT.pth --trust') from error
