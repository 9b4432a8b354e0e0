"""Label images on disk: ours are 8-bit PNGs of one channel, whose values are class ids."""
import io
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence, Tuple, Union

import cv2
import numpy as np
from PIL import Image

from ..errors import DataError, MissingFile
from ..utils.atomic_file import write_atomic

PathLike = Union[str, os.PathLike]

#: Image formats that need not keep values, and compressions of TIFF.
LOSSY = ('JPEG', 'JPEG2000', 'MPO', 'WEBP', 'AVIF')
LOSSY_TIFF = ('jpeg', 'tiff_jpeg', 'webp')
#: Of gray images of fewer than 8 bits Pillow makes 8: the factor that it stretches values by.
STRETCHED = {'L;2': 85, 'L;4': 17}
SIXTEEN_BIT = ('I', 'I;16', 'I;16B', 'I;16L')
#: How OpenCV compresses a label: as differences of rows, of which most are 0. Takes a fifth of the
#: time of Pillow's defaults and makes smaller files.
PNG_OF_AREAS = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
if hasattr(cv2, 'IMWRITE_PNG_FILTER'):  # not in older releases
    PNG_OF_AREAS += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
#: EXIF tag of the orientation, and the first of its values that swap width and height.
ORIENTATION, FIRST_TURNED = 0x0112, 5


def read_label(path: PathLike) -> np.ndarray:
    """The ids of a label image, H x W uint8. A palette PNG gives the index, never the color.

    Raises:
        MissingFile: no such file.
        DataError: it does not decode, or does not hold ids below 256 in a single channel of 8
            or 16 bits.
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
    """What a label image of any usual kind holds.

    Returns:
        H x W uint8 or int32, values (of a palette image the index), or H x W x 3 uint8, RGB.

    Raises:
        MissingFile: no such file.
        DataError: it does not decode, its compression changes values, or its colors have 16 bits.
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
    """Refuse a label file of which mmseg, which wants 8-bit ids, would read other ids in silence.

    It reads the header. Ids of more than 8 bits are all read: they have to be below 256.

    Raises:
        MissingFile: no such file.
        DataError: ids that compression may have changed, ids of 1, 2 or 4 bits, of which the
            largest means white (255), fractions, or ids above 255.
    """
    with _opened(path) as image:
        kind, mode, stretched = _lossy_kind(image), image.mode, _stretched(image)
        largest = image.getextrema()[1] if mode.startswith('I') else 0
    _check_kept(kind, path)
    if mode in ('1', 'F') or stretched > 1 or largest > 255:
        held = {'1': 'black and white', 'F': 'fractions', 'L': 'ids of fewer than 8 bits'}.get(
            mode, f'ids up to {largest}')
        raise DataError(f'label {path} holds {held}, expected ids of 8 bits: convert it to train '
                        'ids (tools/convert_datasets/)')


def read_first_of_16_bit(path: PathLike) -> np.ndarray:
    """The first of the three 16-bit channels of a PNG (R in the order R, G, B), H x W uint8.

    The labels of SYNTHIA hold classes there and instances in the second. Pillow reads such a file
    as 8-bit, all zeros, without a word. OpenCV reads it right (as B, G, R) when told not to
    convert it.

    Raises:
        MissingFile: no such file.
        DataError: it is damaged, or has other channels or another depth.
    """
    with _opened(path) as image:
        image.verify()  # checksums: some versions of OpenCV give the rows before the damage
    label = cv2.imread(os.fspath(path), cv2.IMREAD_UNCHANGED)
    if label is None:
        raise DataError(f'label {path} does not decode, it is damaged: unpack the archive again')
    if label.dtype != np.uint16 or label.ndim != 3 or label.shape[2] != 3:
        channels = 1 if label.ndim == 2 else label.shape[2]
        raise DataError(f'label {path} has {channels} channel(s) of {8 * label.itemsize} bits, '
                        'expected three of 16: it is of another data set, or was saved again by a '
                        'program that lost them')
    return np.minimum(label[..., 2], 255).astype(np.uint8)


def image_size(path: PathLike) -> Tuple[int, int]:
    """(width, height) of an image as it is shown, from its header alone.

    Raises:
        MissingFile, DataError: no such file, or no image.
    """
    with _opened(path, 'image') as image:
        width, height = image.size
        turned = image.getexif().get(ORIENTATION, 1) >= FIRST_TURNED
    return (height, width) if turned else (width, height)


@contextmanager
def _opened(path: PathLike, what: str = 'label') -> Iterator[Image.Image]:
    """An image of Pillow. If it fails, the error is one line."""
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError as error:
        raise MissingFile(f'{what} {path} is missing') from error
    except Exception as error:  # Pillow raises what the damage happens to lead to
        raise DataError(f'{what} {path} does not decode, it is damaged or no image: '
                        'fetch it again') from error


def _check_kept(lossy_kind: Optional[str], path: PathLike) -> None:
    if lossy_kind is not None:
        raise DataError(f'label {path} is a {lossy_kind} file, whose compression may change '
                        'values: save labels as PNG')


def _lossy_kind(image: Image.Image) -> Optional[str]:
    """The format of an image whose values are not those that were saved, or None if they are."""
    compression = image.info.get('compression')
    if image.format == 'TIFF' and compression in LOSSY_TIFF:
        return f'TIFF ({compression})'
    return image.format if image.format in LOSSY else None


def _stretched(image: Image.Image) -> int:
    how = image.tile[0][3] if image.tile else None
    return STRETCHED.get(how[0] if isinstance(how, tuple) else how, 1)  # TIFFs say more


def _bits(image: Image.Image) -> int:
    """Bits per channel. Pillow keeps 8 of the 16 of a color PNG without a word."""
    return 16 if any(';16' in str(tile[3]) for tile in image.tile) else 8


def write_label(path: PathLike, label: np.ndarray) -> None:
    """Write H x W uint8 ids as an 8-bit gray PNG, atomically."""
    content = cv2.imencode('.png', label, PNG_OF_AREAS)[1]
    write_atomic(path, content.tobytes())


def encode_label(label: np.ndarray, values: Sequence[int],
                 palette: Optional[Sequence[Sequence[int]]] = None) -> bytes:
    """A label as an 8-bit PNG of one channel.

    Args:
        label: H x W, classes 0..K-1.
        values: what stands for each of the K classes in the file.
        palette: their colors (R, G, B), in which image viewers then show it (mode P). Readers
            that convert palettes to colors want none (mode L).
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
    """Number of pixels of every id that occurs in a uint8 label, ``ignore_index`` left out."""
    counts = Image.fromarray(label).histogram()  # in a third of the time of np.bincount
    return {i: n for i, n in enumerate(counts) if n and i != ignore_index}


def relative_path(path: PathLike, root: PathLike) -> str:
    """``path`` as seen from ``root``, with ``/`` on every system."""
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # another drive on Windows: there is no relative path
        return Path(path).as_posix()
