"""Label images on disk: 8-bit PNGs of one channel, whose values are class ids."""
import io
import os
from pathlib import Path
from typing import Dict, Union

import numpy as np
from PIL import Image

from ..errors import DataError, MissingFile
from .atomic_file import write_atomic

PathLike = Union[str, os.PathLike]


def read_label(path: PathLike) -> np.ndarray:
    """The ids of a label image, H x W uint8; of a palette PNG the index, never the colour.

    Raises:
        MissingFile: no such file.
        DataError: it does not decode, or is not 8-bit with a single channel.
    """
    try:
        with Image.open(path) as image:
            mode, label = image.mode, np.array(image)
    except FileNotFoundError as error:
        raise MissingFile(f'label {path} is missing') from error
    except Exception as error:  # Pillow raises what the damage happens to lead to
        raise DataError(f'label {path} does not decode, it is damaged or no image: '
                        'fetch it again') from error
    if mode not in ('L', 'P') or label.ndim != 2:
        raise DataError(f'label {path} has image mode {mode}, expected an 8-bit PNG with one '
                        'channel (mode L or P) that holds class ids')
    return label


def write_label(path: PathLike, label: np.ndarray) -> None:
    """Write H x W uint8 ids as an 8-bit grey PNG, atomically."""
    content = io.BytesIO()
    Image.fromarray(label).save(content, format='PNG')
    write_atomic(path, content.getvalue())


def count_pixels(label: np.ndarray, ignore_index: int = 255) -> Dict[int, int]:
    """Number of pixels of every id that occurs in a uint8 label, ``ignore_index`` left out."""
    counts = np.bincount(label.ravel(), minlength=256)
    return {int(c): int(counts[c]) for c in np.flatnonzero(counts) if c != ignore_index}


def relative_path(path: PathLike, root: PathLike) -> str:
    """``path`` as seen from ``root``, with ``/`` on every system."""
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # another drive on Windows: there is no relative path
        return Path(path).as_posix()
