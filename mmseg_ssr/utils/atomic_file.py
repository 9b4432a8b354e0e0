"""Files that are either whole or not there."""
import contextlib
import os
import re
import socket
import time
from typing import BinaryIO, Iterator, Optional, Union

PathLike = Union[str, os.PathLike]
#: A process of another machine that has not touched its file for so many seconds is dead.
WRITING = 3600
PART = re.compile(r'.+\.part-(.*)-(\d+)')


@contextlib.contextmanager
def atomic_file(path: PathLike, durable: bool = False) -> Iterator[BinaryIO]:
    """A file to write that takes the name ``path`` at one stroke when the block has ended.

    A kill at any moment leaves the old file or the new; what it may leave beside it,
    ``NAME.part-HOST-PID``, is removed by :func:`remove_leftovers`.

    Args:
        durable: flushed to the disk before it gets its name, so that the same holds for a power
            failure; takes milliseconds on a hard disk.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full; ``path`` is untouched.
    """
    path = os.fspath(path)
    part = part_name(path)
    try:
        with open(part, 'wb') as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, path)
        if durable:
            _sync_folder(os.path.dirname(path) or '.')
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)


def write_atomic(path: PathLike, content: bytes, time_stamp: Optional[float] = None) -> None:
    """Write ``content`` to ``path`` so that a kill at any moment leaves the old file or the new.

    Args:
        time_stamp: time of modification that the file gets, in seconds since the epoch; None is
            now.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full; ``path`` is untouched.
    """
    with atomic_file(path) as file:
        file.write(content)
        if time_stamp is not None:
            file.flush()
            os.utime(file.name, (time_stamp, time_stamp))


def part_name(path: str) -> str:
    """What this process calls ``path`` until it is whole."""
    return f'{path}.part-{socket.gethostname()}-{os.getpid()}'


def is_part(name: str) -> bool:
    """Whether a file of that name is half-written."""
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
    if process == os.getpid():  # an earlier one had our number, as in a container started anew
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no process has such a number
        return False
    except PermissionError:
        pass
    return True


def _sync_folder(folder: str) -> None:
    """Make a rename durable; some systems cannot open folders, and need not."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
