"""The drawn copies have the layouts and formats that the data sets are published in."""
import re

import cv2
import numpy as np
import pytest
from mmseg.datasets import ADE20KDataset
from PIL import Image

from mmseg_ssr.labels.conversion import SYNTHIA_TRAIN_IDS, train_id_table
from mmseg_ssr.streets import draw_sample
from mmseg_ssr.streets.layouts import LAYOUTS, SPLITS

PATTERNS = {
    'synthia': r'RGB/\d{7}\.png|GT/LABELS/\d{7}(_labelTrainIds)?\.png|.*\.json',
    'acdc': r'rgb_anon/(fog|night|rain|snow)/(train|val|test)/(GOPR|GP01)\d{4}/'
            r'(GOPR|GP01)\d{4}_frame_\d{6}_rgb_anon\.png|'
            r'gt/(fog|night|rain|snow)/(train|val)/(GOPR|GP01)\d{4}/'
            r'(GOPR|GP01)\d{4}_frame_\d{6}_gt_label(Train)?Ids\.png',
    'dark_zurich': r'rgb_anon/(train/(night|twilight|day)|(val|test)/night)/(GOPR|GP01)\d{4}/'
                   r'(GOPR|GP01)\d{4}_frame_\d{6}_rgb_anon\.png|'
                   r'gt/val/night/(GOPR|GP01)\d{4}/'
                   r'(GOPR|GP01)\d{4}_frame_\d{6}_gt_label(Train)?Ids\.png',
    'NTHU_Datasets': r'(Rome|Rio|Tokyo|Taipei)/(Images/(Train/pano_\d{5}_\d_180\.jpg|'
                     r'Test/pano_\d{5}_\d_180\.png)|'
                     r'Labels/Test/pano_\d{5}_\d_180_(eval|labelTrainIds)\.png)',
    'camvid': r'(train|trainannot)/(0001TP_\d{6}|0006R0_f\d{5}|0016E5_\d{5})\.png|'
              r'(val|valannot)/0016E5_\d{5}\.png|'
              r'(test|testannot)/(0001TP_\d{6}|Seq05VD_f\d{5})\.png|.*\.json',
    'ade': r'ADEChallengeData2016/(images/(training/ADE_train|validation/ADE_val)_\d{8}\.jpg|'
           r'annotations/(training/ADE_train|validation/ADE_val)_\d{8}\.png)|.*\.json',
    'synscapes': r'img/rgb-2k/\d+\.png|img/class/\d+(_labelTrainIds)?\.png|.*\.json',
    'bdd100k': r'images/10k/(train|val|test)/[0-9a-f]{8}-[0-9a-f]{8}\.jpg|'
               r'labels/sem_seg/masks/(train|val)/[0-9a-f]{8}-[0-9a-f]{8}\.png',
    'mapillary': r'(training|validation|testing)/images/[\w-]{22}\.jpg|'
                 r'(training|validation)/labels/[\w-]{22}(_labelTrainIds)?\.png|.*\.json',
    'wilddash': r'images/[a-z]{2}\d{4}_100000\.jpg|'
                r'labels/[a-z]{2}\d{4}_100000(_labelTrainIds)?\.png|.*\.json',
    'own': r'(source/(images|labels)|target/images/train|target/(images|labels)/val)/\w+/'
           r'\d{4}\.(jpg|png)|.*\.json',
}


@pytest.mark.parametrize('name', PATTERNS)
def test_file_names(layouts, name):
    files = [path.relative_to(layouts / name).as_posix()
             for path in (layouts / name).rglob('*') if path.is_file()]
    assert len(files) > 3
    assert [file for file in files if not re.fullmatch(PATTERNS[name], file)] == []


def test_every_layout_is_looked_at():
    assert set(PATTERNS) | {'gta', 'cityscapes'} == set(LAYOUTS)
    numbers = [split.number for split in SPLITS]
    assert len(set(numbers)) == len(numbers) and 3 not in numbers


def label_ids(name, folder):
    """What the first image of a split shows."""
    split = next(s for s in SPLITS if s.layout == name and folder in s.image)
    return draw_sample(split, 0, (64, 32))[1].labels


def test_synthia_labels(layouts):
    stored = cv2.imread(str(layouts / 'synthia/GT/LABELS/0000000.png'), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16 and stored.shape == (32, 64, 3) and stored[..., 1].all()
    classes = set(np.unique(stored[..., 2]).tolist())
    assert classes <= {0, *SYNTHIA_TRAIN_IDS} - {16, 18, 20} and len(classes) > 5
    train_ids = train_id_table()[label_ids('synthia', 'RGB')]
    assert ((stored[..., 2] == 3) == (train_ids == 0)).all()  # road


def test_acdc_labels_are_train_ids(layouts):
    expected = train_id_table()[label_ids('acdc', 'night/val')]
    path = next((layouts / 'acdc/gt/night/val').rglob('*_gt_labelTrainIds.png'))
    np.testing.assert_array_equal(np.asarray(Image.open(path)), expected)


def test_cross_city_labels_are_label_ids(layouts):
    path = next((layouts / 'NTHU_Datasets/Rio/Labels/Test').glob('*_eval.png'))
    np.testing.assert_array_equal(np.asarray(Image.open(path)), label_ids('NTHU_Datasets',
                                                                          'Rio/Images/Test'))
    with Image.open(next((layouts / 'NTHU_Datasets/Rio/Images/Train').iterdir())) as image:
        assert image.format == 'JPEG' and image.size == (64, 32)


def test_camvid_labels_are_its_classes(layouts):
    path = layouts / 'camvid/testannot/Seq05VD_f00000.png'
    drawn = label_ids('camvid', 'test/{place}_f')
    stored = np.asarray(Image.open(path))
    assert set(np.unique(stored)) <= set(range(12))
    for value, ids in ((0, [23]), (1, [11, 12]), (3, [7]), (8, [26, 27, 28, 31])):
        np.testing.assert_array_equal(stored == value, np.isin(drawn, ids))


def test_ade20k_labels_are_its_classes(layouts):
    folder = layouts / 'ade/ADEChallengeData2016/annotations/training'
    stored = np.asarray(Image.open(folder / 'ADE_train_00000001.png'))
    drawn = label_ids('ade', 'training')
    assert stored.dtype == np.uint8
    names = ADE20KDataset.CLASSES
    for name, ids in (('sky', [23]), ('road', [7]), ('building', [11]), ('person', [24, 25])):
        value = 1 + next(i for i, one in enumerate(names) if name in one.split(', '))
        np.testing.assert_array_equal(stored == value, np.isin(drawn, ids))
    other = np.isin(train_id_table()[drawn], (16, 255))  # it has no train
    np.testing.assert_array_equal(stored == 0, other)


def test_synscapes_labels_are_smaller_than_images(layouts):
    drawn = label_ids('synscapes', 'rgb-2k')
    image = Image.open(layouts / 'synscapes/img/rgb-2k/1.png')
    label = Image.open(layouts / 'synscapes/img/class/1.png')
    assert (image.size, label.size, label.mode) == ((64, 32), (45, 22), 'L')
    assert set(np.unique(label)) <= set(np.unique(drawn))
    converted = np.asarray(Image.open(layouts / 'synscapes/img/class/1_labelTrainIds.png'))
    np.testing.assert_array_equal(converted, train_id_table()[np.asarray(label)])


@pytest.mark.parametrize('name, label', [
    ('bdd100k', 'labels/sem_seg/masks/train/00000001-0a0b0c0d.png'),
    ('mapillary', 'training/labels/0000000000000001_aB-cD_labelTrainIds.png'),
    ('wilddash', 'labels/de0000_100000_labelTrainIds.png')])
def test_real_sets_have_the_drawn_classes_as_train_ids(layouts, name, label):
    drawn = label_ids(name, 'train' if name != 'wilddash' else 'images')
    stored = np.asarray(Image.open(layouts / name / label))
    np.testing.assert_array_equal(stored, train_id_table()[drawn])


def test_mapillary_labels_are_indices_of_its_own_ids(layouts):
    label = Image.open(layouts / 'mapillary/training/labels/0000000000000001_aB-cD.png')
    values = set(np.unique(label).tolist())
    assert label.mode == 'P' and {13, 27, 65} <= values and max(values) < 66


def test_conditions_look_different(layouts):
    means = {path.parts[-4]: np.asarray(Image.open(path), float).mean()
             for path in (layouts / 'acdc/rgb_anon').rglob('val/*/*.png')}
    assert means['night'] < 0.6 * means['rain'] and means['snow'] > 1.2 * means['fog']
