"""Names of files that come out of data files: they must not lead anywhere else."""
import posixpath
import re


def leads_out(name: str) -> bool:
    """Whether a path leaves the folder that it is relative to; of Windows too.

    Links are not looked at: they are the doing of whoever arranged the folder.
    """
    name = name.replace('\\', '/')
    return (name.startswith('/') or re.match('[A-Za-z]:', name) is not None
            or posixpath.normpath(name).split('/')[0] == '..')
