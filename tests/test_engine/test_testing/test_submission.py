"""Files for the servers: their values, names and sizes, checked before they are packed."""
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.engine.testing.submission import pack_submission, prepare_formatting, server_of
from mmseg_ssr.errors import ConfigError, DataError, MissingFile

STEPS = [dict(type='LoadImageFromFile')]
TESTS = {
    'CityscapesDataset': ('cityscapes', 'leftImg8bit/val'),
    'ACDCDataset': ('acdc', 'rgb_anon/test'),
    'DarkZurichDataset': ('dark_zurich', 'rgb_anon/test'),
    'CrossCityDataset': ('NTHU_Datasets/Rome', 'Images/Test'),
}


@pytest.fixture
def written(layouts, tmp_path):
    """``written(type)``: the data set, with predictions of class 13 (car) in ``tmp_path/out``."""

    def write(kind, **options):
        folder, images = TESTS[kind]
        dataset = build_dataset(dict(type=kind, data_root=str(layouts / folder), img_dir=images,
                                     pipeline=STEPS), test_mode=True, need_labels=False)
        prepare_formatting(dataset)
        for i in range(len(dataset)):
            dataset.format_results([np.full((32, 64), 13)], str(tmp_path / 'out'), indices=[i],
                                   **options)
        return dataset

    return write


def packed(dataset, tmp_path):
    """Name -> content of the archive, and the notes."""
    notes = pack_submission(dataset, str(tmp_path / 'out'), str(tmp_path / 'a.zip'))
    with zipfile.ZipFile(tmp_path / 'a.zip') as archive:
        return {name: archive.read(name) for name in archive.namelist()}, notes


def image(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize('kind, name, value, mode', [
    ('CityscapesDataset', 'westhaven_000000_000019_leftImg8bit.png', 26, 'P'),
    ('ACDCDataset', 'GOPR0075_frame_000001_rgb_anon.png', 13, 'L'),
    ('DarkZurichDataset', 'GOPR0364_frame_000001_rgb_anon.png', 13, 'L'),
    ('CrossCityDataset', 'pano_00000_0_180.png', 13, 'P')])
def test_each_server_gets_its_ids(written, tmp_path, kind, name, value, mode):
    written(kind)
    with Image.open(tmp_path / 'out' / name) as label:
        assert label.mode == mode and (np.asarray(label) == value).all()


def test_palettes_are_those_of_the_classes(written, tmp_path):
    written('CityscapesDataset')
    with Image.open(next((tmp_path / 'out').iterdir())) as label:
        assert label.convert('RGB').getpixel((0, 0)) == (0, 0, 142)


def test_cityscapes_archive(written, tmp_path):
    files, notes = packed(written('CityscapesDataset'), tmp_path)
    assert list(files) == ['westhaven_000000_000019_leftImg8bit.png']
    assert 'https://www.cityscapes-dataset.com/submit/' in notes[0]
    assert 'Cityscapes expects 1525 predictions, these are 1: give --test-set' in notes[1]


def test_acdc_archive(written, tmp_path):
    dataset = written('ACDCDataset')
    files, notes = packed(dataset, tmp_path)
    assert len(files) == 4 and all(name.startswith('labelTrainIds/GOPR') for name in files)
    assert 'expects 2000 predictions, these are 4' in notes[1]


def test_dark_zurich_archive(written, tmp_path):
    files, _ = packed(written('DarkZurichDataset'), tmp_path)
    name = 'GOPR0364_frame_000001_rgb_anon.png'
    assert list(files) == [f'{folder}/{name}' for folder in (
        'labelTrainIds', 'labelTrainIds_invalid', 'confidence')]
    assert (image(files[f'labelTrainIds/{name}']) == 13).all()
    assert files[f'labelTrainIds/{name}'] == files[f'labelTrainIds_invalid/{name}']
    confidence = image(files[f'confidence/{name}'])
    assert confidence.dtype == np.uint16 and confidence.shape == (32, 64)
    assert (confidence == 65535).all()


def test_a_complete_set_needs_no_word(written, tmp_path, monkeypatch):
    dataset = written('CityscapesDataset')
    object.__setattr__(server_of(dataset), 'images', 1)
    try:
        assert len(packed(dataset, tmp_path)[1]) == 1
    finally:
        object.__setattr__(server_of(dataset), 'images', 1525)


def spoil(tmp_path, array):
    path = next((tmp_path / 'out').iterdir())
    path.unlink()
    if array is not None:
        Image.fromarray(np.asarray(array, np.uint8)).save(path)


@pytest.mark.parametrize('array, error, message', [
    (None, MissingFile, 'prediction .*leftImg8bit.png of image .* is missing'),
    (np.full((16, 32), 26), DataError, 'leftImg8bit.png is 32 x 16 pixels, its image .*64 x 32'),
    (np.zeros((32, 64)), DataError, r'holds 0, expected \[7, 8, 11.*to_label_id'),
    (np.zeros((32, 64, 3)), DataError, 'has image mode RGB')])
def test_what_is_wrong_is_not_packed(written, tmp_path, array, error, message):
    dataset = written('CityscapesDataset')
    spoil(tmp_path, array)
    with pytest.raises(error, match=message):
        packed(dataset, tmp_path)
    assert not (tmp_path / 'a.zip').exists()


def test_label_ids_are_not_packed_for_acdc(written, tmp_path):
    dataset = written('ACDCDataset', to_label_id=True)
    with pytest.raises(DataError, match=r'holds 26, expected \[0, 1, 2, .*18\]'):
        packed(dataset, tmp_path)


def test_names_that_would_overwrite_each_other(written, tmp_path):
    dataset = written('ACDCDataset')
    dataset.img_infos = [dict(filename=f'{name}/same_rgb_anon.png') for name in ('fog', 'rain')]
    prepare_formatting(dataset)
    with pytest.raises(DataError, match='2 images would have the prediction same_rgb_anon.png'):
        dataset.format_results([np.zeros((32, 64))], str(tmp_path / 'out'), indices=[0])
    with pytest.raises(DataError, match='2 images would have'):
        packed(dataset, tmp_path)


def test_there_is_no_server_for_other_data(written, tmp_path):
    with pytest.raises(ConfigError, match='no server for CrossCityDataset, only for Cityscapes, '
                                          'ACDC, Dark Zurich'):
        packed(written('CrossCityDataset'), tmp_path)


def test_own_classes_stay_as_they_are_in_folders_as_deep(layouts, tmp_path):
    dataset = build_dataset(dict(
        type='FolderDataset', data_root=str(layouts / 'own/target'), img_dir='images/train',
        classes=['a', dict(name='b', color=[1, 2, 3])], pipeline=STEPS), True, need_labels=False)
    prepare_formatting(dataset)
    dataset.format_results([np.ones((32, 64))], str(tmp_path), indices=[0])
    with Image.open(tmp_path / 'monday/0000.png') as label:
        assert (np.asarray(label) == 1).all()
        assert label.convert('RGB').getpixel((0, 0)) == (1, 2, 3)
    with pytest.raises(ConfigError, match="class 'a' has no Cityscapes id"):
        dataset.format_results([np.ones((32, 64))], str(tmp_path), to_label_id=True, indices=[0])
