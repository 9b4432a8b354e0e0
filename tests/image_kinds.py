"""Image files of many kinds, all of one picture."""
import struct
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

RGB, GRAY = 2, 1


def a_picture(height=40, width=60):
    """H x W x 3 uint8, RGB, from 10 to 240."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (9, 9), 0), None, 10, 240, cv2.NORM_MINMAX)


def write_tiff(path, bands, space=RGB, extra=None, kind=1):
    """Write H x W x C of any type as an uncompressed little-endian TIFF.

    Args:
        space: color space.
        extra: meaning of the first band beyond color: 0 unknown, 1 and 2 alpha.
        kind: 1 integers, 2 signed, 3 floats.
    """
    height, width, count = bands.shape
    tags = {256: (width, ), 257: (height, ), 258: (8 * bands.itemsize, ) * count, 259: (1, ),
            262: (space, ), 273: (0, ), 277: (count, ), 278: (height, ), 279: (bands.nbytes, ),
            284: (1, ), 339: (kind, ) * count}
    if extra is not None:
        beyond = count - (3 if space == RGB else 1)
        tags[338] = (extra, *(0, ) * (beyond - 1))
    start = 8 + 2 + 12 * len(tags) + 4
    entries, tail = b'', b''
    for tag, values in sorted(tags.items()):
        if tag == 273:
            values = (start + 1000, )
        is_long = tag in (273, 279)
        packed = struct.pack(f'<{len(values)}{"I" if is_long else "H"}', *values)
        if len(packed) > 4:
            tail, packed = tail + packed, struct.pack('<I', start + len(tail))
        entries += struct.pack('<HHI', tag, 4 if is_long else 3, len(values))
        entries += packed.ljust(4, b'\0')
    Path(path).write_bytes(b'II*\0' + struct.pack('<IH', 8, len(tags)) + entries + b'\0' * 4
                           + tail.ljust(1000, b'\0') + bands.tobytes())
    return path


def readable(folder):
    """Name -> (path, how far a mean may be off) of kinds that 8-bit reading is right for."""
    picture = a_picture()
    alpha = np.arange(picture[..., 0].size, dtype=np.uint8).reshape(picture.shape[:2])
    four, image = np.dstack([picture, alpha]), Image.fromarray(picture)
    made = {
        'rgb.png': image, 'rgba.png': Image.fromarray(four), 'rgb.tif': image, 'rgb.bmp': image,
        'rgba.tif': Image.fromarray(four), 'cmyk.jpg': image.convert('CMYK'),
        'cmyk.tif': image.convert('CMYK'),
        'palette.png': image.convert('P', palette=Image.Palette.ADAPTIVE, colors=256)}
    for name, one in made.items():
        one.save(folder / name, **(dict(quality=98) if name.endswith('jpg') else {}))
    for extra in (0, 2):
        write_tiff(folder / f'infrared{extra}.tif', four, extra=extra)
        write_tiff(folder / f'five{extra}.tif', np.dstack([four, alpha]), extra=extra)
    names = [*made, *(f'{name}{extra}.tif' for name in ('infrared', 'five') for extra in (0, 2))]
    return {name: folder / name for name in names}


def others(folder):
    """(path, what its error names) of kinds that 8-bit reading gets wrong."""
    picture = a_picture()[..., ::-1]
    wide, gray = picture.astype(np.uint16) * 16, picture[..., 0].astype(np.uint16) * 16 + 20000
    made = {
        'wide.png': (wide, '3 bands of 16 bits'), 'wide.tif': (wide, '3 bands of 16 bits'),
        'full.png': (picture.astype(np.uint16) * 257, '3 bands of 16 bits'),
        'thermal.png': (gray, '1 band of 16 bits'), 'thermal.tif': (gray, '1 band of 16 bits'),
        'thermal.pgm': (gray, '1 band of 16 bits'),
        'float.tif': (picture.astype(np.float32) / 255, '3 bands of 32 bits'),
        'height.tif': (picture[..., 0].astype(np.float32), '1 band of 32 bits')}
    for name, (pixels, _) in made.items():
        assert cv2.imwrite(str(folder / name), pixels)
    write_tiff(folder / 'signed.tif', wide[..., :1].astype(np.int16), GRAY, kind=2)
    write_tiff(folder / 'bands.tif', np.dstack([picture, picture]), GRAY, extra=0)
    write_tiff(folder / 'wide4.tif', np.dstack([wide[..., ::-1], wide[..., 0]]), extra=0)
    return [*((folder / name, told) for name, (_, told) in made.items()),
            (folder / 'signed.tif', '1 band of 16 bits .signed'),
            (folder / 'bands.tif', '6 bands of 8 bits'),
            (folder / 'wide4.tif', '4 bands of 16 bits')]
