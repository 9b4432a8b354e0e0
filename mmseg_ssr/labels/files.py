"""Label images on disk: ours are 8-bit PNGs of one channel, whose values are class ids."""
import io
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence, Tuple, Union

import cv2
import numpy as np
from PIL import Image

from ..errors import DataError, UserError, unreadable
from ..utils.atomic_file import write_atomic
from ..utils.paths import check_file

PathLike = Union[str, os.PathLike]

#: Image formats that may change values, and compressions of TIFF that do.
LOSSY = ('JPEG', 'JPEG2000', 'MPO', 'WEBP', 'AVIF')
LOSSY_TIFF = ('jpeg', 'tiff_jpeg', 'webp')
#: Pillow turns gray images of fewer than 8 bits into 8 bits, stretched by this factor.
STRETCHED = {'L;2': 85, 'L;4': 17}
SIXTEEN_BIT = ('I', 'I;16', 'I;16B', 'I;16L')
#: OpenCV stores a label as differences of rows, most of which are 0. This takes a fifth of the
#: time of Pillow's defaults and makes smaller files.
PNG_OF_AREAS = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
if hasattr(cv2, 'IMWRITE_PNG_FILTER'):  # missing in older releases
    PNG_OF_AREAS += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
#: EXIF tag of the orientation, and the first of its values that swaps width and height.
ORIENTATION, FIRST_TURNED = 0x0112, 5


def read_label(path: PathLike) -> np.ndarray:
    """Read the ids of a label image, H x W uint8. A palette PNG gives indices, never colors.

    Raises:
        MissingFile: the file is missing.
        DataError: the file cannot be decoded, or does not hold ids below 256 in a single channel
            of 8 or 16 bits.
    """
    with _opened(path) as image:
        mode, stretched, label = image.mode, _stretched(image), np.array(image)
    if mode in SIXTEEN_BIT and 0 <= label.min() and label.max() < 256:
        return label.astype(np.uint8)
    if mode not in ('L', 'P') or stretched > 1 or label.ndim != 2:
        raise DataError(f'label {path} has image mode {mode}, expected an 8-bit PNG with one '
                        'channel (mode L or P) that holds class ids')
    return label


def read_values(path: PathLike) -> np.ndarray:
    """Read the values of a label image of any usual kind.

    Returns:
        H x W uint8 or int32, values (indices for a palette image), or H x W x 3 uint8, RGB.

    Raises:
        MissingFile: the file is missing.
        DataError: the file cannot be decoded, its compression changes values, or its colors have
            16 bits.
    """
    with _opened(path) as image:
        kind, mode = _lossy_kind(image), image.mode
        depth, stretched = _bits(image), _stretched(image)
        label = np.array(image.convert('RGB') if mode in ('RGBA', 'RGBX') else image)
    _check_kept(kind, path)
    if mode in ('L', 'P', '1'):
        return label.astype(np.uint8) // stretched
    if mode in SIXTEEN_BIT:
        return label.astype(np.int32)
    if label.ndim == 3 and label.shape[2] == 3 and mode != 'LAB' and depth == 8:
        return label
    raise DataError(f'label {path} has image mode {mode} of {depth} bits, expected a PNG of one '
                    'channel (8 or 16 bit), or of 8-bit colors')


def check_label_kind(path: PathLike) -> None:
    """Refuse a label file that mmseg, which expects 8-bit ids, would silently misread.

    Reads the header. Ids of more than 8 bits are all read, because they must be below 256.

    Raises:
        MissingFile: the file is missing.
        DataError: compression may have changed ids, ids have 1, 2 or 4 bits and the largest means
            white (255), ids are fractions, or ids are above 255.
    """
    with _opened(path) as image:
        kind, mode, stretched = _lossy_kind(image), image.mode, _stretched(image)
        largest = image.getextrema()[1] if mode.startswith('I') else 0
    _check_kept(kind, path)
    if mode in ('1', 'F') or stretched > 1 or largest > 255:
        held = {'1': 'black and white', 'F': 'fractions', 'L': 'ids of fewer than 8 bits'}.get(
            mode, f'ids up to {largest}')
        raise DataError(f'label {path} holds {held}, expected ids of 8 bits: convert it to train '
                        'ids (mmseg-ssr convert)')


def read_first_of_16_bit(path: PathLike) -> np.ndarray:
    """Read the first of the three 16-bit channels of a PNG (R of R, G, B), H x W uint8.

    SYNTHIA's labels hold classes there and instances in the second channel. Pillow silently reads
    such a file as 8-bit zeros. OpenCV reads it correctly (as B, G, R) if told not to convert it.

    Raises:
        MissingFile: the file is missing.
        DataError: it is damaged, or has other channels or another depth.
    """
    with _opened(path) as image:
        image.verify()  # checks checksums: some versions of OpenCV return the rows before damage
    label = cv2.imread(os.fspath(path), cv2.IMREAD_UNCHANGED)
    if label is None:
        raise DataError(f'label {path} does not decode, it is damaged: unpack the archive again')
    if label.dtype != np.uint16 or label.ndim != 3 or label.shape[2] != 3:
        channels = 1 if label.ndim == 2 else label.shape[2]
        raise DataError(f'label {path} has {channels} channel(s) of {8 * label.itemsize} bits, '
                        'expected three of 16: it is of another data set, or was saved again by a '
                        'program that lost them')
    return np.minimum(label[..., 2], 255).astype(np.uint8)


def image_size(path: PathLike, turned: bool = True) -> Tuple[int, int]:
    """(width, height) of an image, from its header alone.

    Args:
        turned: whether it is turned by its EXIF data, as viewers do. Labels are read without
            turning them.

    Raises:
        MissingFile, DataError: the file is missing, or is no image.
    """
    with _opened(path, 'image') as image:
        width, height = image.size
        turned = turned and image.getexif().get(ORIENTATION, 1) >= FIRST_TURNED
    return (height, width) if turned else (width, height)


@contextmanager
def _opened(path: PathLike, what: str = 'label') -> Iterator[Image.Image]:
    """Open an image with Pillow. If it fails, the error is one line."""
    check_file(path, what)
    try:
        with Image.open(path) as image:
            yield image
    except UserError:
        raise
    except Exception as error:  # damage makes Pillow raise errors of any kind
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(path, what, error) from error
        raise DataError(f'{what} {path} does not decode, it is damaged or no image: '
                        'fetch it again') from error


def _check_kept(lossy_kind: Optional[str], path: PathLike) -> None:
    if lossy_kind is not None:
        raise DataError(f'label {path} is a {lossy_kind} file, whose compression may change '
                        'values: save labels as PNG')


def _lossy_kind(image: Image.Image) -> Optional[str]:
    """Format of an image if that may have changed its values, else None."""
    compression = image.info.get('compression')
    if image.format == 'TIFF' and compression in LOSSY_TIFF:
        return f'TIFF ({compression})'
    return image.format if image.format in LOSSY else None


def _stretched(image: Image.Image) -> int:
    how = image.tile[0][3] if image.tile else None
    return STRETCHED.get(how[0] if isinstance(how, tuple) else how, 1)  # TIFFs give a tuple


def _bits(image: Image.Image) -> int:
    """Bits per channel. Pillow silently keeps 8 of the 16 bits of a color PNG."""
    return 16 if any(';16' in str(tile[3]) for tile in image.tile) else 8


def write_label(path: PathLike, label: np.ndarray) -> None:
    """Write H x W uint8 ids as an 8-bit gray PNG, atomically."""
    content = cv2.imencode('.png', label, PNG_OF_AREAS)[1]
    write_atomic(path, content.tobytes())


def encode_label(label: np.ndarray, values: Sequence[int],
                 palette: Optional[Sequence[Sequence[int]]] = None) -> bytes:
    """Encode a label as an 8-bit PNG of one channel.

    Args:
        label: H x W, classes 0..K-1.
        values: the value in the file for each of the K classes.
        palette: their colors (R, G, B), in which image viewers show the label (mode P). Use None
            (mode L) for readers that convert palettes to colors.
    """
    table = np.arange(256, dtype=np.uint8)
    table[:len(values)] = values
    image = Image.fromarray(table[label.astype(np.uint8)])
    if palette is not None:
        colors = np.zeros((256, 3), np.uint8)
        colors[list(values)] = np.array(palette, np.uint8)
        image.putpalette(colors.flatten().tolist())
    content = io.BytesIO()
    image.save(content, format='PNG')
    return content.getvalue()


def count_pixels(label: np.ndarray, ignore_index: Optional[int] = None) -> Dict[int, int]:
    """Number of pixels of each id in a uint8 label, without ``ignore_index``."""
    counts = Image.fromarray(label).histogram()  # takes a third of the time of np.bincount
    return {i: n for i, n in enumerate(counts) if n and i != ignore_index}


def relative_path(path: PathLike, root: PathLike) -> str:
    """Path relative to ``root``, with ``/`` on every system."""
    text, start = os.fspath(path), os.path.join(os.fspath(root), '')
    rest = text[len(start):]
    if text.startswith(start) and rest == os.path.normpath(rest) and not rest.startswith('..'):
        return rest.replace(os.sep, '/')  # as the way below, in a tenth of the time
    try:
        return os.path.relpath(path, root).replace(os.sep, '/')
    except ValueError:  # another drive on Windows: there is no relative path
        return Path(path).as_posix()
