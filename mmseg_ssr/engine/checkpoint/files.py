"""Checkpoint files. They are written whole or not at all, and read without running code in them.

A checkpoint is an mmseg checkpoint (contract C1) with further keys::

    meta            CLASSES, PALETTE, config (text), iter (finished iterations), seed, ...
    state_dict      the student alone: backbone.*, decode_head.*
    optimizer       torch's optimizer state
    training_state  teachers, regularizer, discriminators, counters
    random_state    Python, numpy, torch, accelerators
    log_buffer      numbers that the log has not averaged yet
"""
import contextlib
import logging
import os
import pickle
import re
import shutil
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np
import torch

from ...errors import (
    WRONG_VALUE,
    CheckpointError,
    RefusedFile,
    said,
    unreadable,
)
from ...utils.atomic_file import atomic_file, atomic_path, make_folder
from ...utils.folders import entries_of
from ...utils.paths import check_file, is_folder
from ...utils.versions import release
from ...weights import check_sums
from ...weights.plain import plain

LATEST = 'latest.pth'
#: Errors that reading a damaged file may raise.
UNREADABLE = (*WRONG_VALUE, EOFError)
CHECKPOINT = re.compile(r'iter_(\d+)\.pth')


class Checkpoint(NamedTuple):
    """A file that has been read."""
    path: str
    content: Dict[str, Any]


def write_checkpoint(content: Dict[str, Any], path: str) -> None:
    """Write ``content`` to ``path``, replacing an old file in one step.

    The bytes are on the disk before the file gets its name.

    Raises:
        UnwritableFile: no space is left, or permission is missing. An old file is untouched.
    """
    make_folder(os.path.dirname(path))
    with atomic_file(path, durable=True) as file:
        torch.save(plain(content), file)


def read_checkpoint(path: str, trusted: bool = False) -> Dict[str, Any]:
    """Read a checkpoint file onto the CPU.

    Args:
        trusted: also read files that hold Python objects. These may run any code when read.

    Raises:
        MissingFile: there is no such file.
        CheckpointError: the system refuses the file, it is truncated, is no checkpoint, or is
            refused because it holds more than plain data.
    """
    try:
        check_file(path, 'checkpoint')
    except RefusedFile as error:
        raise CheckpointError(str(error)) from error
    check_sums(path)
    try:
        content = _load_plain(path)
    except pickle.UnpicklingError as error:
        if not trusted:
            reason = str(error).split('\n')[0]
            unsafe = 'Unsupported' in str(error) or 'GLOBAL' in str(error)
            hint = ('it holds Python objects that could run code; if you trust where it is from, '
                    'give --trust-checkpoint') if unsafe else f'it is damaged ({reason})'
            raise CheckpointError(f'checkpoint {path} is not read: {hint}') from error
        content = _load_objects(path)
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise CheckpointError(str(unreadable(path, 'checkpoint', error))) from error
        raise CheckpointError(f'checkpoint {path} cannot be read: it is truncated or is no '
                              'checkpoint') from error
    if not isinstance(content, dict) or not content:
        raise CheckpointError(f'checkpoint {path} holds no state dict')
    return content


def checkpoints_in(folder: str) -> List[str]:
    """Return the paths of ``iter_N.pth`` in a work directory, the newest first."""
    names = [entry.name for entry in entries_of(folder)] if is_folder(folder) else []
    found = [name for name in names if CHECKPOINT.fullmatch(name)]
    return [os.path.join(folder, name) for name in sorted(found, key=_iteration, reverse=True)]


def newest_readable(folder: str, logger: logging.Logger) -> Optional[Checkpoint]:
    """Return the newest checkpoint that can be read, or None if there is no checkpoint.

    Damaged checkpoints are skipped with a warning.

    Raises:
        CheckpointError: all checkpoints are damaged.
    """
    paths = checkpoints_in(folder)
    for path in paths:
        try:
            return Checkpoint(path, read_checkpoint(path))
        except CheckpointError as error:
            logger.warning('%s: going back to the one before', error)
    if paths:
        raise CheckpointError(f'none of the {len(paths)} checkpoints in {folder} can be read: '
                              'move them away to start anew, or choose another --work-dir')
    return None


def set_aside_newer(folder: str, iteration: int, mark: str, logger: logging.Logger) -> None:
    """Rename the checkpoints of a work directory that are newer than ``iteration``.

    A training that starts there writes its own and must not mix them up.

    Args:
        folder: work directory.
        iteration: iteration that the training starts from.
        mark: suffix for their names.
        logger: logger of the warnings.
    """
    for path in checkpoints_in(folder):
        if _iteration(path) > iteration:
            logger.warning('%s is newer than where this training starts: it is called %s.%s now',
                           path, os.path.basename(path), mark)
            os.replace(path, f'{path}.{mark}')


def remove_old(folder: str, keep: int) -> None:
    """Remove all but the newest ``keep`` checkpoints of a work directory.

    ``keep < 1`` removes none.
    """
    for path in checkpoints_in(folder)[keep:] if keep > 0 else []:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def complete_saving(folder: str, keep: int, link: bool) -> None:
    """Finish the saving of a training that was killed in the middle of it.

    Args:
        folder: work directory.
        keep: see :func:`remove_old`.
        link: whether the training keeps a ``latest.pth``.
    """
    remove_old(folder, keep)
    newest = checkpoints_in(folder)[:1]
    latest = os.path.join(folder, LATEST)
    if link and newest and os.path.realpath(latest) != os.path.realpath(newest[0]):
        point_latest_at(newest[0])


def point_latest_at(path: str) -> None:
    """Make ``latest.pth`` beside ``path`` a link to it, or a copy if links fail."""
    latest = os.path.join(os.path.dirname(path), LATEST)
    with atomic_path(latest) as part:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)
        try:
            os.symlink(os.path.basename(path), part)
        except (OSError, NotImplementedError):
            shutil.copy(path, part)


def _load_objects(path: str) -> Any:
    try:
        return torch.load(path, map_location='cpu', weights_only=False)
    except (*UNREADABLE, pickle.UnpicklingError) as error:
        raise CheckpointError(f'checkpoint {path} cannot be read: {said(error)}') from error


def _load_plain(path: str) -> Any:
    # mmcv's own checkpoints may hold the best score as a numpy scalar. It is harmless.
    allow = getattr(torch.serialization, 'safe_globals', None)
    with allow(_numpy_scalars()) if allow else contextlib.nullcontext():
        return torch.load(path, map_location='cpu', weights_only=True)


def _numpy_scalars() -> list:
    scalar = (getattr(np, '_core', None) or np.core).multiarray.scalar
    names = [scalar]
    if release(torch.__version__) >= (2, 7):  # can tell numpy 1's name from numpy 2's
        names = [(scalar, f'numpy.{core}.multiarray.scalar') for core in ('core', '_core')]
    return [*names, np.dtype, *(type(np.dtype(kind)) for kind in 'f4 f8 i4 i8 b1'.split())]


def _iteration(path: str) -> int:
    return int(CHECKPOINT.fullmatch(os.path.basename(path)).group(1))
