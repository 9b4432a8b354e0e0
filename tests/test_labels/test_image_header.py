import image_kinds
import pytest

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
