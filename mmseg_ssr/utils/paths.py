"""Checks of files before they are opened, and of the names that data files give."""
import errno
import os
import posixpath
import re
import stat
from pathlib import Path
from typing import Union

from ..errors import MissingFile, RefusedFile, unreadable

#: Tests of a file's mode -> what passes it. Reading from a pipe or a device may never end.
NO_FILES = {stat.S_ISDIR: 'a folder', stat.S_ISFIFO: 'a named pipe', stat.S_ISSOCK: 'a socket',
            stat.S_ISCHR: 'a device', stat.S_ISBLK: 'a device'}


def check_file(path: Union[str, os.PathLike], what: str, if_missing: str = '') -> None:
    """Check that ``path`` is a regular file that may be read. The links in it are followed.

    Args:
        path: path of the file.
        what: what the file should be, for the message: ``'image'``.
        if_missing: what to do if there is nothing, for the message.

    Raises:
        MissingFile: there is nothing.
        RefusedFile: it is a folder, a named pipe, a device or a broken link, or may not be read.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        refusal = unreadable(path, what, error)
        if if_missing and isinstance(refusal, MissingFile):
            refusal = MissingFile(f'{refusal}: {if_missing}')
        raise refusal from error
    for test, name in NO_FILES.items():
        if test(mode):
            raise RefusedFile(f'{what} {path} is {name}, expected a file: take it away')
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        raise unreadable(path, what, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def check_place(path: Union[str, os.PathLike, None], option: str) -> None:
    """Check, before the work, that the folder of a file that will be written is there.

    Args:
        path: path of the file. None needs no folder.
        option: the option that names it, for the message: ``'--json'``.

    Raises:
        MissingFile: the folder is missing.
    """
    if path and not os.path.isdir(os.path.dirname(path) or '.'):
        raise MissingFile(f'{option} {path}: there is no folder {os.path.dirname(path)}')


def is_folder(path: Union[str, os.PathLike], what: str = 'folder') -> bool:
    """Whether ``path`` is a folder. The links in it are followed.

    Args:
        path: path of the folder.
        what: what the folder should be, for the message: ``'image folder'``.

    Raises:
        RefusedFile: a link in the path is broken, or the system does not tell what is there.
    """
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        refusal = unreadable(path, what, error)
        if isinstance(refusal, MissingFile):
            return False
        raise refusal from error


def read_text(path: Union[str, os.PathLike], what: str) -> str:
    """Read a UTF-8 file that is a regular one, so that reading ends.

    Raises:
        MissingFile, RefusedFile: see :func:`check_file`.
        UnicodeDecodeError: it is no UTF-8, a ValueError.
    """
    check_file(path, what)
    try:
        with open(path, encoding='utf-8-sig') as file:
            return file.read()
    except OSError as error:
        raise unreadable(path, what, error) from error


def config_path(path: str) -> str:
    """Return the path of a config. The project's own are found from any folder."""
    package = Path(__file__).resolve().parents[1]
    if os.path.exists(path) or Path(path).parts[:1] != ('configs',):
        return path
    found = [str(folder / path) for folder in (package, package.parent)
             if (folder / path).is_file()]
    return found[0] if found else path


def leads_out(name: str) -> bool:
    """Whether a path, also a Windows path, leaves the folder that it is relative to.

    Symbolic links are not resolved. Their owner is responsible for where they point.
    """
    name = name.replace('\\', '/')
    return (name.startswith('/') or re.match('[A-Za-z]:', name) is not None
            or posixpath.normpath(name).split('/')[0] == '..')
