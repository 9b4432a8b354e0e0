"""Writing of files that are either whole or not there."""
import contextlib
import os
import re
import socket
import time
from typing import BinaryIO, Iterator, Optional, Union

PathLike = Union[str, os.PathLike]
#: Seconds after which an untouched file of another machine's process counts as left over.
WRITING = 3600
PART = re.compile(r'.+\.part-(.*)-(\d+)')


@contextlib.contextmanager
def atomic_file(path: PathLike, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a file for writing that gets the name ``path`` in one step when the block ends.

    A kill at any moment leaves the old file or the new. It may also leave ``NAME.part-HOST-PID``
    beside it, which :func:`remove_leftovers` removes.

    Args:
        path: path of the file.
        durable: flush the file to the disk before it gets its name. Then a power failure is as
            harmless as a kill. This takes milliseconds on a hard disk.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full. ``path`` is untouched.
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
        path: path of the file.
        content: bytes of the file.
        time_stamp: modification time of the file in seconds since the epoch. None is now.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full. ``path`` is untouched.
    """
    with atomic_file(path) as file:
        file.write(content)
        if time_stamp is not None:
            file.flush()
            os.utime(file.name, (time_stamp, time_stamp))


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
