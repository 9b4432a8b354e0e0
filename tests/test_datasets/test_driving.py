"""The published data sets, in their layouts: what is loaded, and what is scored."""
import shutil

import numpy as np
import pytest
from tiny_data import training_steps

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.source_statistics import source_counts
from mmseg_ssr.errors import ConfigError, MissingFile
from mmseg_ssr.labels.cityscapes import CLASSES, SIXTEEN, THIRTEEN


def acdc(root, split='val', **changes):
    return dict(dict(type='ACDCDataset', data_root=str(root), img_dir=f'rgb_anon/{split}',
                     ann_dir=f'gt/{split}', pipeline=training_steps()), **changes)


def labels(dataset):
    return [dataset.get_gt_seg_map_by_idx(i) for i in range(len(dataset))]


def scores(dataset, change=lambda i, label: label):
    """Of predictions that are the labels, changed, with 0 where they are ignored."""
    predictions = [change(i, np.where(label == 255, 0, label).astype(np.int64))
                   for i, label in enumerate(labels(dataset))]
    results = dataset.pre_eval(predictions, list(range(len(dataset))))
    return dataset.evaluate(results, 'mIoU', 'silent')


def test_synthia(layouts):
    dataset = build_dataset(dict(type='SynthiaDataset', data_root=str(layouts / 'synthia'),
                                 img_dir='RGB', ann_dir='GT/LABELS', pipeline=training_steps()))
    assert [info['filename'] for info in dataset.img_infos] == ['0000000.png', '0000001.png']
    assert not {9, 14, 16, 255} & set(source_counts(dataset)[0])
    assert len(source_counts(dataset)[0]) > 5


def test_unconverted_synthia_names_the_command(synthia_raw):
    with pytest.raises(MissingFile, match='mmseg-ssr convert synthia '
                                          f'{synthia_raw}'):
        build_dataset(dict(type='SynthiaDataset', data_root=str(synthia_raw), img_dir='RGB',
                           ann_dir='GT/LABELS', pipeline=training_steps()))


def test_cityscapes_scored_with_the_classes_of_synthia(layouts):
    dataset = build_dataset(dict(
        type='CityscapesSynthiaDataset', data_root=str(layouts / 'cityscapes'),
        img_dir='leftImg8bit/val', ann_dir='gtFine/val', pipeline=training_steps()),
        test_mode=True)
    perfect = scores(dataset)
    assert (perfect['mIoU'], perfect['mIoU16'], perfect['mIoU13']) == (1, 1, 1)
    # terrain, truck and train are never predicted, as by a network that learned from SYNTHIA
    label = labels(dataset)[0]
    label[:4, :10], label[:4, 10:20], label[:4, 20:30], label[:4, 30:] = 9, 14, 16, 0
    dataset.get_gt_seg_map_by_idx = lambda index: label
    values = scores(dataset, lambda i, label: np.where(np.isin(label, [9, 14, 16]), 8, label))
    present = [CLASSES[c] for c in np.unique(label) if c != 255]
    assert values['mIoU16'] == pytest.approx(
        values['mIoU'] * len(present) / len(set(present) & set(SIXTEEN)), abs=2e-4)
    assert values['mIoU16.others_ignored'] == 1 > values['mIoU16'] > values['mIoU']


def test_acdc_as_published(layouts):
    dataset = build_dataset(acdc(layouts / 'acdc', 'train'))
    assert len(dataset) == 8
    assert [info['filename'].split('/')[0] for info in dataset.img_infos[::2]] == [
        'fog', 'night', 'rain', 'snow']
    assert dataset[0]['gt_semantic_seg'].data.shape[0] == 1


def test_acdc_is_scored_for_each_condition(layouts):
    dataset = build_dataset(acdc(layouts / 'acdc'), test_mode=True)
    values = scores(dataset, lambda i, label: label if i != 1 else np.full_like(label, 2))
    assert [values[f'mIoU.{name}'] for name in ('fog', 'rain', 'snow')] == [1, 1, 1]
    assert values['mIoU.night'] < values['mIoU'] < 1


def test_conditions_can_be_chosen(layouts):
    dataset = build_dataset(acdc(layouts / 'acdc', 'train', conditions=['night', 'fog']))
    assert {info['filename'].split('/')[0] for info in dataset.img_infos} == {'night', 'fog'}
    with pytest.raises(ConfigError, match="conditions holds 'nigth', did you mean 'night'"):
        build_dataset(acdc(layouts / 'acdc', 'train', conditions=['nigth']))


def test_a_list_may_name_images_of_all_conditions(layouts, tmp_path):
    names = [info['filename'].removesuffix('_rgb_anon.png') for part in ('train', 'val')
             for info in build_dataset(acdc(layouts / 'acdc', part)).img_infos]
    split = tmp_path / 'split.txt'
    split.write_text('\n'.join(names))
    night = acdc(layouts / 'acdc', 'train', conditions=['night'])
    chosen = dict(night, split=str(split))
    assert build_dataset(chosen).img_infos == build_dataset(night).img_infos
    split.write_text('\n'.join([*names, 'night/train/none/none']))
    with pytest.raises(MissingFile, match='1 of .* images that .* names are not in'):
        build_dataset(chosen)


def test_a_copy_of_acdc_without_conditions(layouts, tmp_path):
    for kind in ('rgb_anon', 'gt'):
        (tmp_path / kind / 'val').mkdir(parents=True)
        for path in (layouts / 'acdc' / kind).rglob('val/*/*.png'):
            shutil.copy(path, tmp_path / kind / 'val')
    dataset = build_dataset(acdc(tmp_path), test_mode=True)
    assert len(dataset) == 4
    values = scores(dataset)
    assert values['mIoU'] == 1 and 'mIoU.fog' not in values
    with pytest.raises(ConfigError, match='needs the folders as published'):
        build_dataset(acdc(tmp_path, conditions=['night']))


def test_absent_acdc_says_where_it_is_published(layouts, tmp_path):
    with pytest.raises(MissingFile, match='rgb_anon/val of ACDCDataset is missing.*acdc.vision'):
        build_dataset(acdc(tmp_path))
    with pytest.raises(MissingFile, match='4 of 4 labels.*put the data set there.*gt_trainval.zip'):
        build_dataset(acdc(layouts / 'acdc', 'test'))
    assert len(build_dataset(acdc(layouts / 'acdc', 'test'), True, need_labels=False)) == 4


def test_dark_zurich(layouts):
    root = layouts / 'dark_zurich'
    night = dict(type='DarkZurichDataset', data_root=str(root), img_dir='rgb_anon/train/night',
                 pipeline=training_steps(labels=False))
    assert len(build_dataset(night, test_mode=True, need_labels=False)) == 2
    val = dict(night, img_dir='rgb_anon/val', ann_dir='gt/val')
    dataset = build_dataset(val, test_mode=True)
    assert len(dataset) == 1 and set(np.unique(labels(dataset)[0])) <= {*range(19), 255}


@pytest.mark.parametrize('classes', [None, list(THIRTEEN)])
def test_cross_city(layouts, classes):
    config = dict(type='CrossCityDataset', data_root=str(layouts / 'NTHU_Datasets/Tokyo'),
                  img_dir='Images/Train', pipeline=training_steps(labels=False), classes=classes)
    train = build_dataset(config, test_mode=True, need_labels=False)
    assert [info['filename'] for info in train.img_infos] == [
        'pano_00000_2_180.jpg', 'pano_00001_2_180.jpg']
    test = build_dataset(dict(config, img_dir='Images/Test', ann_dir='Labels/Test'), True)
    assert len(test.CLASSES) == (13 if classes else 19)
    values = scores(test)
    assert values['mIoU' if classes else 'mIoU13'] == 1
    assert ('mIoU13' in values) == (classes is None)
    values = scores(test, lambda i, label: label * 0)
    assert values['mIoU'] < 0.3


def test_unconverted_cross_city_names_the_command(layouts, tmp_path):
    shutil.copytree(layouts / 'NTHU_Datasets/Rio', tmp_path / 'Rio')
    for path in tmp_path.rglob('*_labelTrainIds.png'):
        path.unlink()
    with pytest.raises(MissingFile, match='mmseg-ssr convert crosscity .*/Rio'):
        build_dataset(dict(type='CrossCityDataset', data_root=str(tmp_path / 'Rio'),
                           img_dir='Images/Test', ann_dir='Labels/Test',
                           pipeline=training_steps()))
