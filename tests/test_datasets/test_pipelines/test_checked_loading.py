import errno
import logging
import os

import numpy as np
import pytest
from mmseg.datasets.pipelines import LoadAnnotations, LoadImageFromFile
from PIL import Image
from tiny_data import cityscapes_config, gta_config, training_steps, write_ids, write_image

from mmseg_ssr.datasets import GTADataset, build_dataset
from mmseg_ssr.datasets.pipelines.checked_loading import CheckedImage, CheckedLabel
from mmseg_ssr.errors import ConfigError, DataError, MissingFile


@pytest.fixture
def dataset(gta):
    return GTADataset(data_root=str(gta), img_dir='images', ann_dir='labels',
                      pipeline=training_steps())


def label_path(gta, number=1):
    return gta / 'labels' / f'{number:05d}_labelTrainIds.png'


def test_good_files_load(dataset):
    assert len(dataset) == 6
    assert set(dataset[0]['gt_semantic_seg'].data.unique().tolist()) <= {0, 10, 16, 255}
    assert {0, 10} <= set(np.unique(dataset.get_gt_seg_map_by_idx(0)))
    assert isinstance(dataset.pipeline.transforms[0], CheckedImage)
    assert isinstance(dataset.pipeline.transforms[1], CheckedLabel)


@pytest.mark.parametrize('keep', [0, 30, 200])
def test_image_that_does_not_decode(gta, dataset, keep):
    image = gta / 'images' / '00001.png'
    image.write_bytes(image.read_bytes()[:keep])
    with pytest.raises(DataError, match='image .*00001.png does not decode'):
        dataset[0]


def test_image_that_has_gone(gta, dataset):
    (gta / 'images' / '00001.png').unlink()
    with pytest.raises(MissingFile, match='image .*00001.png is missing'):
        dataset[0]


def test_label_that_does_not_decode(gta, dataset):
    label_path(gta).write_bytes(label_path(gta).read_bytes()[:60])
    with pytest.raises(DataError, match='label .*00001_labelTrainIds.png does not decode'):
        dataset[0]


def test_label_of_another_size(gta, dataset):
    write_ids(label_path(gta), np.zeros((64, 32)))
    with pytest.raises(DataError, match='00001_labelTrainIds.png is 32 x 64 pixels, but its image '
                                        '.*00001.png is 64 x 32'):
        dataset[0]


def test_label_with_colors(gta, dataset):
    write_image(label_path(gta))
    with pytest.raises(DataError, match='00001_labelTrainIds.png has 3 channels'):
        dataset[0]


def test_label_id_out_of_range(gta, dataset):
    write_ids(label_path(gta), np.full((32, 64), 19))
    with pytest.raises(DataError, match='00001_labelTrainIds.png holds id 19, expected 0..18 or '
                                        '255'):
        dataset[0]


class OtherType(LoadAnnotations):
    """A host project's step."""

    def __init__(self, dtype, shift=0):
        super().__init__()
        self.dtype, self.shift = dtype, shift

    def __call__(self, results):
        super().__call__(results)
        results['gt_semantic_seg'] = results['gt_semantic_seg'].astype(self.dtype) + self.shift
        return results


@pytest.mark.parametrize('dtype', ['int64', 'int32', 'int16', 'uint16', 'float32'])
def test_labels_of_other_types_than_bytes(tmp_path, dtype):
    file = tmp_path / 'a.png'
    write_ids(file, [[0, 18], [255, 0]])

    def load(shift):
        step = CheckedLabel(OtherType(dtype, shift), num_classes=19)
        return step(dict(ann_info=dict(seg_map=str(file)), seg_fields=[]))['gt_semantic_seg']

    assert load(0).dtype == dtype and load(0).tolist() == [[0, 18], [255, 0]]
    with pytest.raises(DataError, match=r'a.png holds id 256(\.0)?, expected 0..18 or 255'):
        load(256)


def test_negative_id(tmp_path):
    write_ids(tmp_path / 'a.png', [[0, 18], [1, 1]])
    with pytest.raises(DataError, match='a.png holds id -1, expected 0..18'):
        CheckedLabel(OtherType('int64', -1), num_classes=19)(
            dict(ann_info=dict(seg_map=str(tmp_path / 'a.png')), seg_fields=[]))


def test_all_ignore_is_warned_of_once_per_file(gta, dataset, caplog, monkeypatch):
    write_ids(label_path(gta), np.full((32, 64), 255))
    monkeypatch.setattr(logging.getLogger('mmseg'), 'propagate', True)
    with caplog.at_level('WARNING'):
        for _ in range(3):
            dataset[0]
    assert caplog.text.count('00001_labelTrainIds.png is all ignore') == 1


def test_all_ignore_is_an_error_when_most_labels_are(tmp_path):
    step = CheckedLabel(LoadAnnotations(), num_classes=19)

    def load(number, value):
        path = tmp_path / f'{number}.png'
        write_ids(path, np.full((4, 4), value))
        step(dict(ann_info=dict(seg_map=str(path)), seg_fields=[]))

    for number in range(9):
        load(number, 0)
    for number in range(9, 19):
        load(number, 255)
    with pytest.raises(DataError, match='11 of the 20 labels read so far are all ignore'):
        load(19, 255)


def test_evaluation_reads_checked_labels(cityscapes):
    dataset = build_dataset(cityscapes_config(cityscapes, 'val'), test_mode=True)
    write_ids(cityscapes / 'gtFine/val/lindau/lindau_000001_000019_gtFine_labelTrainIds.png',
              np.full((32, 64), 33))
    assert dataset.get_gt_seg_map_by_idx(0).shape == (32, 64)
    with pytest.raises(DataError, match='lindau_000001_.* holds id 33'):
        dataset.get_gt_seg_map_by_idx(1)


@pytest.mark.parametrize('highest, good', [(18, True), (19, False)])
def test_evaluation_may_read_a_class_that_mmseg_takes_out_later(cityscapes, highest, good):
    """Its ``reduce_zero_label``: files hold 0..K where the data set has K classes."""
    dataset = build_dataset(cityscapes_config(
        cityscapes, 'val', type='CustomDataset', classes=[str(i) for i in range(18)],
        reduce_zero_label=True, pipeline=training_steps()[:1], img_suffix='_leftImg8bit.png',
        seg_map_suffix='_gtFine_labelTrainIds.png'), test_mode=True)
    name = dataset.get_ann_info(0)['seg_map']
    write_ids(cityscapes / 'gtFine' / 'val' / name, np.full((32, 64), highest))
    if good:
        assert (dataset.get_gt_seg_map_by_idx(0) == 18).all()
    else:
        with pytest.raises(DataError, match='holds id 19, expected 0..18'):
            dataset.get_gt_seg_map_by_idx(0)


def test_wrapping_twice_changes_nothing(gta):
    dataset = build_dataset(gta_config(gta))
    assert isinstance(dataset.pipeline.transforms[0].load, LoadImageFromFile)


def test_subset_of_classes_maps_the_rest_to_ignore(gta):
    dataset = build_dataset(gta_config(gta, classes=['sky', 'road']))
    label = dataset.get_gt_seg_map_by_idx(0)
    whole = build_dataset(gta_config(gta)).get_gt_seg_map_by_idx(0)
    for mapped, plain in ((0, 10), (1, 0)):  # sky, road
        assert np.array_equal(label == mapped, whole == plain) and (label == mapped).any()
    assert (label[~np.isin(whole, (0, 10))] == 255).all()


@pytest.mark.parametrize('of_data, of_step', [(True, False), (False, True)])
def test_class_0_is_taken_out_by_both_or_by_none(gta, of_data, of_step):
    steps = training_steps()
    steps[1]['reduce_zero_label'] = of_step
    with pytest.raises(ConfigError, match='both must be the same'):
        build_dataset(gta_config(gta, reduce_zero_label=of_data, pipeline=steps))


@pytest.mark.parametrize('evaluating, said', [(True, 'nothing is scored on it'),
                                              (False, 'nothing is learned from it')])
def test_the_warning_says_what_an_empty_label_is_missed_for(gta, dataset, caplog, evaluating, said):
    write_ids(label_path(gta), np.full((32, 64), 255))
    with caplog.at_level(logging.WARNING):
        dataset.get_gt_seg_map_by_idx(0) if evaluating else dataset[0]
    assert f'00001_labelTrainIds.png is all ignore (255): {said}' in caplog.text


def test_an_image_of_one_row_ends_in_a_line_without_opencvs_words(gta):
    write_image(gta / 'images/00001.png', 1, 3000)
    write_ids(label_path(gta), np.zeros((1, 3000)))
    load, read, resize = *training_steps()[:2], dict(type='Resize', img_scale=(64, 32))
    with pytest.raises(DataError, match=r'Resize in the pipeline of GTADataset fails on .*1.png: '
                                        'resizing an image of 3000 x 1 pixels would leave '
                                        'nothing of its shorter side') as error:
        build_dataset(gta_config(gta, pipeline=[load, resize]))[0]
    assert 'Assertion' not in str(error.value)
    with pytest.raises(DataError, match='00001_labelTrainIds.png has a side of one pixel'):
        build_dataset(gta_config(gta, pipeline=[load, read]))[0]


@pytest.mark.parametrize('number', [errno.EACCES, errno.EIO])
def test_a_label_that_the_system_refuses_is_not_called_damaged(dataset, number, monkeypatch):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Image, 'open', refuse)
    reason = os.strerror(number)
    with pytest.raises(DataError, match=rf'label .* cannot be read \({reason}\)') as error:
        dataset[0]
    assert 'damaged' not in str(error.value)
