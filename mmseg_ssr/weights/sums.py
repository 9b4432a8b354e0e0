"""SHA-256 sums of weights files: computed, and recorded beside a downloaded file."""
import contextlib
import hashlib
import os
import re
from typing import Optional

from ..utils.atomic_file import PathLike, write_atomic
from ..utils.paths import check_file, read_text

CHUNK = 2 ** 20


def sha256(path: PathLike) -> str:
    """Return the SHA-256 sum of a file, 64 hexadecimal digits."""
    check_file(path, 'file')
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sum_file(path: PathLike) -> str:
    """Return the path of the file that holds the recorded sum of ``path``."""
    return f'{os.fspath(path)}.sha256'


def record_sum(path: PathLike, digest: str) -> None:
    """Write the sum of ``path`` beside it, in the form of ``sha256sum --check``."""
    write_atomic(sum_file(path), f'{digest}  {os.path.basename(path)}\n'.encode())


def recorded_sum(path: PathLike) -> Optional[str]:
    """Return the sum that was recorded for ``path``, or None."""
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        found = re.match(r'[0-9a-f]{64}\b', read_text(sum_file(path), 'recorded sum'))
        return found and found[0]
    return None


def other_sum(path: PathLike, digest: str, published: Optional[str]) -> Optional[str]:
    """Return the sum that a file should have if it differs from ``digest``, else None.

    Args:
        path: path of the file, whose recorded sum counts.
        digest: computed sum.
        published: published sum or its first digits, None if unknown.
    """
    return next((expected for expected in (published, recorded_sum(path))
                 if expected and not digest.startswith(expected)), None)
