"""Label images of every usual kind, and those of SYNTHIA."""
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tiny_data import write_synthia_label

from mmseg_ssr.errors import DataError, MissingFile
from mmseg_ssr.labels.files import (
    check_label_kind,
    count_pixels,
    image_size,
    read_first_of_16_bit,
    read_label,
    read_values,
    write_label,
)

NOISE = np.random.default_rng(0).integers(0, 23, (40, 60))
IDS = np.array([[0, 7, 255], [3, 3, 200]], np.uint8)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def test_gray_palette_and_16_bit_values(tmp_path):
    np.testing.assert_array_equal(read_values(save(tmp_path / 'gray.png', IDS)), IDS)
    palette = Image.fromarray(IDS)
    palette.putpalette(list(range(255, -1, -1)) * 3)
    palette.save(tmp_path / 'palette.png')
    np.testing.assert_array_equal(read_values(tmp_path / 'palette.png'), IDS)
    wide = IDS.astype(np.uint16) * 200
    np.testing.assert_array_equal(read_values(save(tmp_path / 'wide.png', wide)), wide)
    binary = save(tmp_path / 'binary.png', IDS > 5)
    np.testing.assert_array_equal(read_values(binary), IDS > 5)


def test_colors_are_red_green_blue(tmp_path):
    colors = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    np.testing.assert_array_equal(read_values(save(tmp_path / 'rgb.png', colors)), colors)
    opaque = np.dstack([colors, np.full((2, 3), 255, np.uint8)])
    np.testing.assert_array_equal(read_values(save(tmp_path / 'rgba.png', opaque)), colors)


def test_labels_that_lost_their_values_are_refused(tmp_path):
    with pytest.raises(DataError, match='a.jpg is a JPEG file, whose compression may change'):
        read_values(save(tmp_path / 'a.jpg', IDS))
    with pytest.raises(DataError, match='b.png has image mode RGB of 16 bits, expected a PNG of'):
        read_values(write_synthia_label(tmp_path / 'b.png', IDS))
    with pytest.raises(DataError, match='mode F'):
        read_values(save(tmp_path / 'c.tif', IDS.astype(np.float32)))
    with pytest.raises(MissingFile, match='label .*none.png is missing'):
        read_values(tmp_path / 'none.png')


def test_first_of_three_16_bit_channels(tmp_path):
    path = write_synthia_label(tmp_path / 'a.png', IDS)
    np.testing.assert_array_equal(read_first_of_16_bit(path), IDS)
    # what an ordinary reader makes of it
    assert not np.asarray(Image.open(path))[..., 0].any()
    large = write_synthia_label(tmp_path / 'b.png', IDS.astype(np.uint16) + 1000)
    assert (read_first_of_16_bit(large) == 255).all()  # no class, whatever its low byte says


def test_other_files_in_place_of_16_bit_labels(tmp_path):
    with pytest.raises(DataError, match=r'a.png has 1 channel\(s\) of 8 bits, expected three'):
        read_first_of_16_bit(save(tmp_path / 'a.png', IDS))
    with pytest.raises(DataError, match=r'b.png has 3 channel\(s\) of 8 bits'):
        read_first_of_16_bit(save(tmp_path / 'b.png', np.zeros((2, 3, 3), np.uint8)))


@pytest.mark.parametrize('keep', [0, 30, 0.5, -20])
def test_damaged_16_bit_labels_are_named(tmp_path, keep):
    path = write_synthia_label(tmp_path / 'bad.png', NOISE)
    content = path.read_bytes()
    path.write_bytes(content[:int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(DataError, match='bad.png does not decode'):
        read_first_of_16_bit(path)


def test_a_flipped_byte_is_noticed(tmp_path):
    path = write_synthia_label(tmp_path / 'bad.png', NOISE)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match='bad.png does not decode'):
        read_first_of_16_bit(path)


def test_size_as_shown(tmp_path):
    image = np.zeros((20, 30, 3), np.uint8)
    assert image_size(save(tmp_path / 'a.png', image)) == (30, 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert image_size(save(tmp_path / 'b.jpg', image, exif=exif)) == (20, 30)
    (tmp_path / 'c.jpg').write_bytes(b'no image')
    with pytest.raises(DataError, match='image .*c.jpg does not decode'):
        image_size(tmp_path / 'c.jpg')


def test_written_labels_are_read_again_and_small(tmp_path):
    ids = np.kron(np.arange(200, dtype=np.uint8).reshape(10, 20), np.ones((16, 16), np.uint8))
    ids[0, 0] = 255
    write_label(tmp_path / 'label.png', ids)
    with Image.open(tmp_path / 'label.png') as image:
        assert image.mode == 'L' and np.array_equal(np.array(image), ids)
    plain = tmp_path / 'plain.png'
    Image.fromarray(ids).save(plain)
    assert (tmp_path / 'label.png').stat().st_size < 1.1 * plain.stat().st_size


@pytest.mark.parametrize('ignore_index', [255, 7])
def test_pixels_are_counted_by_id(ignore_index):
    ids = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)[:, ::2]
    counts = count_pixels(ids, ignore_index)
    assert counts == {c: int((ids == c).sum()) for c in np.unique(ids) if c != ignore_index}
    assert all(type(c) is int and type(n) is int for c, n in counts.items())  # go to JSON


@pytest.mark.parametrize('kind', ['png', 'tif'])
@pytest.mark.parametrize('bits', [2, 4])
def test_gray_values_of_fewer_than_8_bits_are_not_stretched(tmp_path, bits, kind):
    path = tmp_path / f'label.{kind}'
    ids = np.array([[0, 1, 2, 3]] * 4)
    packed = (ids << (bits * np.arange(3, -1, -1))).sum(1).tolist()
    rows = [row.to_bytes(bits // 2, 'big') for row in packed]
    path.write_bytes(dict(png=png, tif=tif)[kind](bits, rows))
    assert np.array_equal(read_values(path), ids)
    with pytest.raises(DataError, match='expected an 8-bit PNG'):
        read_label(path)
    with pytest.raises(DataError, match='holds ids of fewer than 8 bits'):
        check_label_kind(path)


def png(bits, rows):
    """A gray PNG of 4 columns from packed rows."""
    def chunk(name, content):
        checksum = zlib.crc32(name + content)
        return struct.pack('>I', len(content)) + name + content + struct.pack('>I', checksum)

    header = struct.pack('>IIBBBBB', 4, len(rows), bits, 0, 0, 0, 0)
    pixels = b''.join(b'\0' + row for row in rows)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header)
            + chunk(b'IDAT', zlib.compress(pixels)) + chunk(b'IEND', b''))


def tif(bits, rows):
    """The same as an uncompressed TIFF."""
    pixels = b''.join(rows)
    tags = {256: 4, 257: len(rows), 258: bits, 259: 1, 262: 1, 273: 8, 278: len(rows),
            279: len(pixels)}
    entries = b''.join(struct.pack('<HHII', tag, 4, 1, value) for tag, value in tags.items())
    return (struct.pack('<2sHI', b'II', 42, 8 + len(pixels)) + pixels
            + struct.pack('<H', len(tags)) + entries + bytes(4))


@pytest.mark.parametrize('compression, kept', [('jpeg', False), ('tiff_lzw', True)])
def test_compressions_of_tiff(tmp_path, compression, kept):
    path = tmp_path / 'label.tif'
    ids = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(ids).save(path, compression=compression)
    if kept:
        check_label_kind(path)
        assert np.array_equal(read_values(path), ids)
    else:
        for read in (check_label_kind, read_values):
            with pytest.raises(DataError, match=r'a TIFF \(jpeg\) file, whose'):
                read(path)


def test_ids_of_16_bits_are_below_256(tmp_path):
    wide = IDS.astype(np.uint16)
    np.testing.assert_array_equal(read_label(save(tmp_path / 'a.png', wide)), IDS)
    wide[0, 0] = 256
    for read in (read_label, check_label_kind):
        with pytest.raises(DataError, match='b.png'):
            read(save(tmp_path / 'b.png', wide))


@pytest.mark.parametrize('turned, size', [(1, (30, 20)), (4, (30, 20)), (5, (20, 30)),
                                          (8, (20, 30))])
def test_turns_of_a_quarter_swap_the_sides(tmp_path, turned, size):
    exif = Image.Exif()
    exif[0x0112] = turned
    path = save(tmp_path / 'a.jpg', np.zeros((20, 30, 3), np.uint8), exif=exif)
    assert image_size(path) == size and image_size(path, turned=False) == (30, 20)
