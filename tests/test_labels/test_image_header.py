import image_kinds
import numpy as np
import pytest
from image_kinds import GRAY, RGB
from PIL import Image

from mmseg_ssr.labels.image_header import OtherBands, needs_pillow, samples_of


def test_extra_bands_of_colors_are_left_to_pillow(tmp_path):
    found = {name for name, path in image_kinds.readable(tmp_path).items() if needs_pillow(path)}
    assert found == {'rgba.tif', 'infrared2.tif', 'five0.tif', 'five2.tif'}


def test_other_bands_and_bits_are_refused(tmp_path):
    for path, _ in image_kinds.others(tmp_path):
        with pytest.raises(OtherBands, match=path.name):
            needs_pillow(path)


@pytest.mark.parametrize('content', [b'', b'\x89PNG\r\n\x1a\n', b'II*\0', b'II*\0\xff\xff\xff\xff',
                                     b'MM\0+' + b'\0' * 30, b'text'])
def test_no_image(tmp_path, content):
    (tmp_path / 'a.png').write_bytes(content)
    assert samples_of(tmp_path / 'a.png') is None
    assert needs_pillow(tmp_path / 'a.png') is False


@pytest.mark.parametrize('mode, bands', [('L', 1), ('RGB', 3), ('LA', 2), ('RGBA', 4), ('P', 3),
                                         ('1', 1), ('I;16', 1)])
def test_bands_and_bits_of_a_png(tmp_path, mode, bands):
    Image.new(mode, (4, 3)).save(tmp_path / 'a.png')
    samples = samples_of(tmp_path / 'a.png')
    assert (samples.bands, samples.bits, samples.kind) == (
        bands, 16 if mode == 'I;16' else 8, 'integers')


@pytest.mark.parametrize('bands, space, extra, expected', [
    (3, RGB, None, (3, 8, 0, False, False)), (4, RGB, 2, (4, 8, 1, True, False)),
    (4, RGB, 0, (4, 8, 1, False, False)), (5, RGB, 2, (5, 8, 2, True, False)),
    (2, GRAY, 2, (2, 8, 1, True, True))])
def test_bands_of_a_tiff(tmp_path, bands, space, extra, expected):
    path = image_kinds.write_tiff(
        tmp_path / 'a.tif', np.zeros((3, 4, bands), np.uint8), space, extra)
    found = samples_of(path)
    assert (found.bands, found.bits, found.extra, found.alpha, found.is_gray) == expected
    one_band_more_that_is_no_alpha = (bands, extra) == (4, 0)
    assert needs_pillow(path) == (bands > 3 and not one_band_more_that_is_no_alpha)
