"""Checks of file names from data files. They must not lead out of their folder."""
import posixpath
import re


def leads_out(name: str) -> bool:
    """Whether a path, also a Windows path, leaves the folder that it is relative to.

    Symbolic links are not resolved. Their owner is responsible for where they point.
    """
    name = name.replace('\\', '/')
    return (name.startswith('/') or re.match('[A-Za-z]:', name) is not None
            or posixpath.normpath(name).split('/')[0] == '..')
