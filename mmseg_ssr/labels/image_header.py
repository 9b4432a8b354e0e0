"""The bands and bits of an image file, from its header: what 8-bit reading would get wrong."""
import os
from typing import NamedTuple, Optional, Union

import cv2
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ..errors import DataError

PathLike = Union[str, os.PathLike]

PNG, TIFF = b'\x89PNG\r\n\x1a\n', (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
#: Color type of a PNG -> its bands. Palettes are read as colors.
PNG_BANDS = {0: 1, 2: 3, 4: 2, 6: 4}
#: Beginnings of the formats that always have 8 bits and colors: JPEG, BMP, GIF, WEBP.
EIGHT_BIT = (b'\xff\xd8', b'BM', b'GIF8', b'RIFF')
#: TIFF tags: width, bits, color space, bands, meaning of the bands beyond color, kind of numbers.
WIDTH, BITS, SPACE, BANDS, EXTRA, NUMBERS = 256, 258, 262, 277, 338, 339
#: Values of the tags: a color space of one gray band, of red, green and blue, kinds of alpha.
GRAY, RGB, ALPHA = (0, 1), 2, 2
KINDS = {1: 'integers', 2: 'signed integers', 3: 'fractions'}


class OtherBands(DataError):
    """An image that is whole and has other bands or bits than are loaded."""


class Samples(NamedTuple):
    """The numbers of a pixel.

    Attributes:
        bands: numbers of each pixel.
        bits: bits of each.
        kind: kind of the numbers.
        extra: bands beyond gray or color.
        alpha: whether the first extra band is an alpha that colors are not multiplied with yet.
        is_gray: whether one band is gray, and no three are said to be red, green and blue.
    """
    bands: int = 3
    bits: int = 8
    kind: str = KINDS[1]
    extra: int = 0
    alpha: bool = False
    is_gray: bool = False

    def __str__(self) -> str:
        return f'{self.bands} band{"s" * (self.bands > 1)} of {self.bits} bits ({self.kind})'


def samples_of(path: PathLike) -> Optional[Samples]:
    """Read what a pixel of an image file holds, or None if the file does not decode.

    This takes microseconds for the usual formats. Unusual formats are decoded.

    Raises:
        OSError: the file cannot be opened.
    """
    with open(path, 'rb') as file:
        head = file.read(26)
        if head.startswith(PNG):
            return Samples(PNG_BANDS.get(head[25], 3), max(8, head[24])) if head[25:] else None
        if head.startswith(EIGHT_BIT):
            return Samples()
        if head.startswith(TIFF):
            return _of_tiff(file)
    image = cv2.imread(os.fspath(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        return None
    kind = {'f': KINDS[3], 'i': KINDS[2]}.get(image.dtype.kind, KINDS[1])
    bands = 1 if image.ndim == 2 else image.shape[2]
    return Samples(bands, 8 * image.itemsize, kind)


def _of_tiff(file) -> Optional[Samples]:
    try:
        file.seek(0)
        head = file.read(8)
        tags = ImageFileDirectory_v2(head + file.read(8) if b'+' in head[:4] else head)
        file.seek(tags.next)
        tags.load(file)
        if WIDTH not in tags:
            return None
        bands, extra = int(tags.get(BANDS, 1)), tuple(tags.get(EXTRA, ()))
        is_gray = tags.get(SPACE) in GRAY
        colors = 1 if is_gray else 3
        return Samples(bands, int(max(tags.get(BITS, (1, )))),
                       KINDS.get(max(tags.get(NUMBERS, (1, ))), 'numbers'),
                       bands - colors if is_gray or tags.get(SPACE) == RGB else 0,
                       extra[:1] == (ALPHA, ), is_gray)
    except Exception:  # damage makes Pillow raise errors of any kind
        return None


def needs_pillow(path: PathLike, unchanged: bool = False) -> bool:
    """Check that an image read as 8 bits and three colors is right, and say who reads it so.

    OpenCV multiplies the colors of a TIFF by its fourth band if that is alpha, and it reads no
    more than four bands. Pillow leaves further bands out.

    Args:
        unchanged: all bands and bits are taken as they are, so that no other reading is wrong.

    Raises:
        OSError: the file cannot be opened.
        OtherBands: numbers have more than 8 bits, or it is not known which bands are colors.
    """
    samples = samples_of(path)
    if samples is None:  # reading tells
        return False
    if unchanged:
        return (samples.bits, samples.extra, samples.alpha, samples.is_gray) == (8, 1, True, False)
    if samples.bits > 8 or samples.kind != KINDS[1]:
        raise OtherBands(
            f'image {path} has {samples}, and LoadImageFromFile is for colors of 8 bits: convert '
            "the images to 8 bits, or load them in every pipeline by dict(type='LoadScaledImage', "
            'low=..., high=...), with the values that become black and white')
    if samples.is_gray and samples.extra and not (samples.extra == 1 and samples.alpha):
        raise OtherBands(
            f'image {path} has {samples}, and its header does not say which are red, green and '
            'blue: save these three as the colors of a TIFF or PNG, or load the images by a step '
            'of your own')
    return not samples.is_gray and (samples.extra > 1 or samples.extra == 1 and samples.alpha)
