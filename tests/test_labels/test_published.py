import numpy as np
import pytest
from PIL import Image
from tiny_data import street, write_ids

from mmseg_ssr.errors import DataError, MissingFile
from mmseg_ssr.labels.cityscapes import CLASSES
from mmseg_ssr.labels.conversion import train_id_table
from mmseg_ssr.labels.published import (
    MAPILLARY,
    convert_mapillary,
    convert_synscapes,
    convert_wilddash,
)
from mmseg_ssr.labels.statistics import load_class_statistics

#: Some ids of v1.2 with the classes that they are by its own list.
KNOWN = {13: 'road', 24: 'road', 15: 'sidewalk', 17: 'building', 3: 'fence', 45: 'pole',
         48: 'traffic light', 50: 'traffic sign', 30: 'vegetation', 27: 'sky', 19: 'person',
         20: 'rider', 21: 'rider', 22: 'rider', 55: 'car', 54: 'bus', 52: 'bicycle'}


def test_ids_of_mapillary():
    table = train_id_table(MAPILLARY.train_ids)
    assert {i: CLASSES[table[i]] for i in KNOWN} == KNOWN
    assert set(table[:66].tolist()) == {*range(19), 255} and (table[66:] == 255).all()
    assert np.bincount(table, minlength=256)[:19].tolist() == [
        3, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1]
    assert table[65] == table[0] == 255  # unlabeled, bird


def vistas_label(path):
    every_id = np.arange(66 * 4).reshape(12, 22) % 66
    write_ids(path, every_id, palette=True)
    return every_id


@pytest.mark.parametrize('folder', ['labels', 'v1.2/labels'])
def test_mapillary_of_both_archives(tmp_path, folder):
    for split in ('training', 'validation'):
        values = vistas_label(tmp_path / split / folder / f'{split}.png')
    vistas_label(tmp_path / 'training/v2.0/labels/training.png')
    result = convert_mapillary(tmp_path)
    assert (result.converted, result.failures) == (2, [])
    converted = Image.open(tmp_path / 'validation' / folder / 'validation_labelTrainIds.png')
    np.testing.assert_array_equal(converted, train_id_table(MAPILLARY.train_ids)[values])
    assert not list(tmp_path.glob('training/v2.0/labels/*TrainIds.png'))  # other ids
    assert set(load_class_statistics(tmp_path)) == {f'training/{folder}/training_labelTrainIds.png'}
    assert convert_mapillary(tmp_path).skipped == 2


def test_mapillary_for_validation_alone(tmp_path):
    vistas_label(tmp_path / 'validation/labels/a.png')
    assert convert_mapillary(tmp_path).converted == 1
    assert not list(tmp_path.rglob('*.json'))


def test_synscapes_keeps_the_size_of_its_labels(tmp_path):
    for i in (1, 20):
        write_ids(tmp_path / 'img/class' / f'{i}.png', street(i))
    write_ids(tmp_path / 'img/instance/1.png', street(0))
    result = convert_synscapes(tmp_path)
    assert result.converted == 2
    np.testing.assert_array_equal(Image.open(tmp_path / 'img/class/20_labelTrainIds.png'),
                                  train_id_table()[street(20)])
    assert set(load_class_statistics(tmp_path)) == {
        'img/class/1_labelTrainIds.png', 'img/class/20_labelTrainIds.png'}
    assert convert_synscapes(tmp_path).skipped == 2


def test_further_ids_of_wilddash_are_ignored(tmp_path):
    values = street(3)
    values[:4] = 34  # a van
    write_ids(tmp_path / 'labels/ab0000_100000.png', values)
    assert convert_wilddash(tmp_path).converted == 1
    converted = np.asarray(Image.open(tmp_path / 'labels/ab0000_100000_labelTrainIds.png'))
    assert (converted[:4] == 255).all() and set(np.unique(converted[4:])) == {0, 10, 16}
    assert convert_wilddash(tmp_path).skipped == 1


@pytest.mark.parametrize('convert, expected', [
    (convert_synscapes, 'img/class/N.png'), (convert_mapillary, 'validation/labels/NAME.png'),
    (convert_wilddash, 'labels/NAME.png')])
def test_wrong_folder_is_said_in_one_line(convert, expected, tmp_path):
    with pytest.raises(MissingFile, match=f'{tmp_path}.* holds no {expected}') as caught:
        convert(tmp_path / 'nowhere')
    assert '\n' not in str(caught.value)


def test_labels_of_other_ids_are_refused(tmp_path):
    for i in range(4):
        write_ids(tmp_path / f'labels/{i}.png', np.full((8, 8), 200))
    with pytest.raises(DataError, match='4 of 4 labels .* are all ignore'):
        convert_wilddash(tmp_path)
