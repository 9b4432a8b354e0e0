"""Writing of files that are either whole or not there.

Every file of the project is written through this module. So no writer leaves a part of a file
under its final name, and each tells which file the system refuses, why, and what to do.
"""
import contextlib
import os
import re
import socket
import time
from typing import BinaryIO, Iterator, NewType, Optional, Union

from ..errors import NO_ROOM, UnwritableFile, UserError, unwritable

PathLike = Union[str, os.PathLike]
#: The name of a file that is being written, from :func:`atomic_path`.
Part = NewType('Part', str)
#: Seconds after which an untouched file of another machine's process counts as left over.
WRITING = 3600
PART = re.compile(r'.+\.part-(.*)-(\d+)(\.\w+)?')


@contextlib.contextmanager
def atomic_path(path: PathLike, durable: bool = False, ending: str = '') -> Iterator[Part]:
    """Give a name to write to. The file gets the name ``path`` in one step when the block ends.

    It is for libraries that open the file themselves. Others use :func:`atomic_file`. A kill at
    any moment leaves the old file or the new. It may also leave ``NAME.part-HOST-PID`` beside it,
    which :func:`remove_leftovers` removes.

    Args:
        path: path of the file.
        durable: flush the folder to the disk after the file got its name.
        ending: ending of the name, for a library that chooses the format by it: ``'.mp4'``.

    Raises:
        UnwritableFile: the folder is missing or read-only, or the disk is full. ``path`` is
            untouched.
    """
    path = os.fspath(path)
    part = Part(part_name(path) + ending)
    try:
        _check_replaceable(path)
        yield part
        os.replace(part, path)
        if durable:
            _sync_folder(os.path.dirname(path) or '.')
    except Exception as error:
        refusal = _refusal(error, part)
        if refusal is None:
            raise
        raise unwritable(path, refusal) from error
    finally:
        with contextlib.suppress(OSError):
            os.remove(part)


@contextlib.contextmanager
def atomic_file(path: PathLike, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a file for writing that gets the name ``path`` in one step when the block ends.

    Args:
        path: path of the file.
        durable: flush the file to the disk before it gets its name. Then a power failure is as
            harmless as a kill. This takes milliseconds on a hard disk.

    Raises:
        UnwritableFile: see :func:`atomic_path`.
    """
    with atomic_path(path, durable) as part, open(part, 'wb') as file:
        yield file
        if durable:
            file.flush()
            os.fsync(file.fileno())


def write_atomic(path: PathLike, content: bytes, time_stamp: Optional[float] = None) -> None:
    """Write ``content`` to ``path`` so that a kill at any moment leaves the old file or the new.

    Args:
        path: path of the file.
        content: bytes of the file.
        time_stamp: modification time of the file in seconds since the epoch. None is now.

    Raises:
        UnwritableFile: see :func:`atomic_path`.
    """
    with atomic_file(path) as file:
        file.write(content)
        if time_stamp is not None:
            file.flush()
            os.utime(file.name, (time_stamp, time_stamp))


def make_folder(path: PathLike) -> None:
    """Make a folder, and those above it, unless it is there. An empty path is this folder.

    Raises:
        UnwritableFile: the system refuses it.
    """
    try:
        os.makedirs(path or '.', exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def _check_replaceable(path: str) -> None:
    """Refuse to put a file in the place of a folder or a device, as ``/dev/null``."""
    if os.path.exists(path) and not os.path.isfile(path):
        kind = 'a folder' if os.path.isdir(path) else 'no regular file'
        raise UnwritableFile(f'{path} cannot be written (it is {kind}): choose another path')


def _refusal(error: Exception, part: str) -> Optional[OSError]:
    """Return the error of the system for which writing ``part`` failed, or None.

    Torch hides a full disk behind an error of its own.
    """
    if isinstance(error, UserError):
        return None
    if isinstance(error, OSError):
        return error if error.errno and error.filename in (None, part) else None
    cause = error.__cause__ or error.__context__
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in NO_ROOM:
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def part_name(path: str) -> str:
    """Return the name that this process uses for ``path`` until the file is whole."""
    return f'{path}.part-{socket.gethostname()}-{os.getpid()}'


def is_part(name: str) -> bool:
    """Whether a file name marks a half-written file."""
    return PART.fullmatch(name) is not None


def remove_leftovers(folder: PathLike) -> None:
    """Remove the half-written files of killed processes from ``folder``."""
    for entry in list(os.scandir(folder)):
        match = PART.fullmatch(entry.name)
        with contextlib.suppress(FileNotFoundError):
            if match and not _is_writing(match[1], int(match[2]), entry):
                os.remove(entry.path)


def _is_writing(host: str, process: int, entry: os.DirEntry) -> bool:
    if host != socket.gethostname():
        age = time.time() - entry.stat(follow_symlinks=False).st_mtime
        return age < WRITING
    if process == os.getpid():  # an earlier process had our id, as in a restarted container
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no process has this id
        return False
    except PermissionError:
        pass
    return True


def _sync_folder(folder: str) -> None:
    """Make a rename durable. Some systems cannot open folders and do not need it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
