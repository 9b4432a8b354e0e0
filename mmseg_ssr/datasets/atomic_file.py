"""Files that are either whole or not there."""
import os
from pathlib import Path
from typing import Union


def write_atomic(path: Union[str, os.PathLike], content: bytes) -> None:
    """Write ``content`` to ``path`` so that a kill at any moment leaves the old file or the new.

    The bytes go to a hidden ``*.tmp`` file beside ``path``, which then takes its name.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full; ``path`` is untouched.
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
