"""The files below a folder, each of them once, whatever links lead to them."""
import os
from collections import deque
from pathlib import Path
from typing import Deque, Dict, Iterator, List

from ..errors import RefusedFile, unreadable
from .paths import is_folder

#: A folder that file systems make for themselves.
OF_THE_SYSTEM = 'lost+found'


def list_files(folder: str, hidden: bool = False) -> List[str]:
    """List what is below ``folder`` and is no folder, relative to it, with ``/``.

    Links to folders are followed, unless they lead to a folder that has been listed or that
    ``folder`` is in. So every file comes once, by its path without a link if there is one. A broken
    link whose name has an ending is listed too, as whatever reads the file says more.

    Args:
        hidden: whether to list files and folders whose names begin with a dot.

    Raises:
        RefusedFile: a folder cannot be read, or a link that seems to be to a folder is broken.
    """
    root = os.path.realpath(folder)
    seen = {_identity(str(parent)) for parent in Path(root).parents}
    names = []
    waiting: Deque[str] = deque([''])
    links: Deque[str] = deque()
    while waiting or links:
        place = (waiting or links).popleft()
        identity = _identity(os.path.join(root, place))
        if identity in seen or identity is None:
            continue
        seen.add(identity)
        found: Dict[str, List[str]] = dict(files=[], folders=[], links=[])
        for entry in _scan(os.path.join(folder, place)):
            if entry.name.startswith('.') and not hidden:
                continue
            if not _is_folder(entry):
                found['files'].append(entry.name)
            elif entry.name != OF_THE_SYSTEM:
                found['links' if entry.is_symlink() else 'folders'].append(entry.name)
        for place_of, kind in ((names, 'files'), (waiting, 'folders'), (links, 'links')):
            found[kind].sort()
            start = f'{place}/' if place else ''
            place_of.extend(start + name for name in found[kind])
    return names


def _is_folder(entry: os.DirEntry) -> bool:
    if not entry.is_symlink():
        return entry.is_dir()
    try:
        return is_folder(entry.path)
    except RefusedFile:
        if os.path.splitext(entry.name)[1]:
            return False
        raise


def _identity(folder: str) -> object:
    """What two paths of one folder share, or None if there is no folder."""
    if not is_folder(folder):
        return None
    found = os.stat(folder)
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(folder)


def entries_of(folder: str) -> Iterator[os.DirEntry]:
    """Yield what is in a folder, sorted by name.

    Raises:
        RefusedFile: it cannot be read.
    """
    return iter(sorted(_scan(folder), key=lambda entry: entry.name))


def _scan(folder: str) -> Iterator[os.DirEntry]:
    """Yield what is in a folder in any order. Millions of entries at once would fill the memory."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise unreadable(folder, 'folder', error) from error
