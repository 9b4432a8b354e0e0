import errno
import os
import pickle

import cv2
import image_kinds
import numpy as np
import pytest
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.pipelines import LoadImageFromFile, Normalize
from PIL import Image

from mmseg_ssr.datasets.pipelines import LoadScaledImage
from mmseg_ssr.datasets.pipelines.image_loading import (
    CheckedImage,
    load_file,
    loading_step,
    picture,
    split_pipeline,
)
from mmseg_ssr.errors import ConfigError, DataError, MissingFile

FLAGS = ('color', 'color_ignore_orientation', 'grayscale')


def load(path, **options):
    return load_file(CheckedImage(LoadImageFromFile(**options)), path)['img']


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_the_right_pixels(tmp_path, backend):
    expected = image_kinds.a_picture().astype(float)
    for name, path in image_kinds.readable(tmp_path).items():
        found = picture(load(path, imdecode_backend=backend))
        assert found.shape == expected.shape and found.dtype == np.uint8, name
        assert np.abs(found - expected).mean() < 6, name
        assert abs(found.mean() - expected.mean()) < 1.5, name


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('flag', FLAGS)
def test_an_error_names_bands_bits_and_a_remedy(tmp_path, backend, flag):
    for path, told in image_kinds.others(tmp_path):
        with pytest.raises(DataError, match=f'{path.name} has {told}.*: (convert|save) '):
            load(path, color_type=flag, imdecode_backend=backend)
        with pytest.raises(DataError, match=f'{path.name} has {told}'):
            CheckedImage(LoadImageFromFile(color_type=flag)).size(path)


def test_unchanged_pixels_are_the_users(tmp_path):
    for path, _ in image_kinds.others(tmp_path):
        if path.name != 'bands.tif':  # which OpenCV does not read
            np.testing.assert_array_equal(load(path, color_type='unchanged'),
                                          cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


@pytest.mark.parametrize('extra', [0, 2])
def test_four_unchanged_bands_are_not_multiplied(tmp_path, extra):
    bands = np.dstack([image_kinds.a_picture(), image_kinds.a_picture()[::-1, :, 0]])
    path = image_kinds.write_tiff(tmp_path / 'a.tif', bands, extra=extra)
    found = load(path, color_type='unchanged')
    np.testing.assert_array_equal(found[..., [2, 1, 0, 3]], bands)


@pytest.mark.parametrize('kind, low, high', [
    ('wide.png', 0, 4080), ('wide.tif', 0, 4080), ('wide4.tif', 0, 4080), ('full.png', 0, 65535),
    ('float.tif', 0, 1)])
def test_images_of_more_bits_are_scaled(tmp_path, kind, low, high):
    image_kinds.others(tmp_path)
    found = load_file(CheckedImage(LoadScaledImage(low, high)), tmp_path / kind)
    np.testing.assert_allclose(picture(found['img']), image_kinds.a_picture(), atol=1)
    assert found['img'].dtype == np.uint8 and found['img_shape'] == (40, 60, 3)


def test_values_beyond_the_range_are_cut_and_gray_is_repeated(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.tif'), np.float32([[-1, 0], [1, 9]]))
    found = load_file(CheckedImage(LoadScaledImage(0, 2, to_float32=True)), tmp_path / 'a.tif')
    np.testing.assert_array_equal(found['img'], np.repeat(
        np.float32([[0, 0], [127.5, 255]])[..., None], 3, axis=2))


def test_a_range_without_values_is_refused():
    with pytest.raises(ConfigError, match='high must be above low, got low=1, high=1'):
        LoadScaledImage(1, 1)


@pytest.mark.parametrize('options, turned', [
    (dict(), True), (dict(color_type='grayscale'), True), (dict(imdecode_backend='pillow'), True),
    (dict(color_type='color_ignore_orientation'), False), (dict(color_type='unchanged'), False),
    (dict(color_type='unchanged', imdecode_backend='pillow'), False)])
def test_the_size_is_that_of_the_loaded_image(tmp_path, options, turned):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image_kinds.a_picture()).save(tmp_path / 'a.jpg', exif=exif)
    step = CheckedImage(LoadImageFromFile(**options))
    assert step.size(tmp_path / 'a.jpg') == ((40, 60) if turned else (60, 40))
    assert load_file(step, tmp_path / 'a.jpg')['img'].shape[1::-1] == step.size(tmp_path / 'a.jpg')


class Halved(LoadImageFromFile):
    def __call__(self, results):
        results = super().__call__(results)
        results['img'] = results['img'][::2, ::2]
        return results


class Anything:
    def __call__(self, results):
        return dict(results, img=np.load(results['img_info']['filename']))


def test_a_step_of_ones_own_may_read_in_any_way(tmp_path):
    np.save(tmp_path / 'a.npy', np.ones((4, 6, 3), np.uint8))
    step = loading_step([Anything(), Normalize([0] * 3, [1] * 3)])
    assert step.size(tmp_path / 'a.npy') == (6, 4)
    Image.fromarray(image_kinds.a_picture()).save(tmp_path / 'a.png')
    assert CheckedImage(Halved()).size(tmp_path / 'a.png') == (30, 20)
    (tmp_path / 'b.npy').write_bytes(b'x')
    with pytest.raises(DataError, match='b.npy is not loaded by Anything: '):
        load_file(step, tmp_path / 'b.npy')


def test_the_step_that_loads_is_found():
    assert isinstance(loading_step([Normalize([0], [1]), Halved()]).load, Halved)
    assert type(loading_step([Normalize([0], [1])]).load) is LoadImageFromFile
    assert pickle.loads(pickle.dumps(loading_step([Halved()]))).load.color_type == 'color'


def test_a_pipeline_is_split(monkeypatch):
    monkeypatch.setitem(PIPELINES.module_dict, 'Anything', Anything)
    names = ['Anything', 'LoadAnnotations', 'Resize', 'LoadScaledImage', 'NoSuchStep']
    split = split_pipeline([dict(type=name) for name in names])
    assert [[step['type'] for step in part] for part in split] == [
        ['Anything', 'LoadScaledImage'], ['LoadAnnotations'], [], ['Resize', 'NoSuchStep']]


@pytest.mark.parametrize('number, remedy', [(errno.EACCES, 'permission to read it'),
                                            (errno.EIO, 'disk and network')])
def test_what_the_system_refuses_is_not_called_damaged(tmp_path, monkeypatch, number, remedy):
    Image.fromarray(image_kinds.a_picture()).save(tmp_path / 'a.png')

    def refuse(*_):
        raise OSError(number, os.strerror(number), 'a.png')

    step = CheckedImage(LoadImageFromFile())
    step.load.file_client = type('Client', (), dict(get=refuse))()
    with pytest.raises(DataError, match=f'a.png cannot be read .*{remedy}') as error:
        load_file(step, tmp_path / 'a.png')
    assert 'damaged' not in str(error.value)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / 'a.png')
    for path, told in [('a.png', 'is a named pipe, expected a file'), ('.', 'is a folder')]:
        with pytest.raises(DataError, match=told):
            load(tmp_path / path)
    with pytest.raises(MissingFile, match='image .*b.png is missing'):
        load(tmp_path / 'b.png')


@pytest.mark.parametrize('image, expected', [
    (np.full((2, 2), 7, np.uint8), [7, 7, 7]), (np.full((2, 2, 1), 7, np.uint8), [7, 7, 7]),
    (np.uint8([[[1, 2, 3, 4]]]), [3, 2, 1]), (np.float32([[[1, 2, 200]]]), [200, 2, 1]),
    (np.float32([[[0, .5, 1]]]), [255, 128, 0]), (np.uint16([[[0, 1000, 2000]]]), [255, 128, 0])])
def test_a_picture_of_any_image(image, expected):
    found = picture(image)
    assert found.dtype == np.uint8 and found[0, 0].tolist() == expected
