"""Synscapes, BDD100K, Mapillary Vistas, WildDash2, and Dark Zurich at all times of day."""
import cv2
import numpy as np
import pytest
import tiny_training
from PIL import Image
from tiny_data import training_steps, write_ids, write_image

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.source_statistics import source_counts
from mmseg_ssr.errors import ConfigError, DataError, MissingFile

SETS = {
    'SynscapesDataset': ('synscapes', 'img/rgb-2k', 'img/class', 2),
    'BDD100KDataset': ('bdd100k', 'images/10k/train', 'labels/sem_seg/masks/train', 2),
    'MapillaryDataset': ('mapillary', 'training/images', 'training/labels', 2),
    'WildDashDataset': ('wilddash', 'images', 'labels', 2),
}


def config(layouts, kind, **changes):
    folder, img_dir, ann_dir, _ = SETS[kind]
    return dict(dict(type=kind, data_root=f'{layouts}/{folder}', img_dir=img_dir, ann_dir=ann_dir,
                     pipeline=training_steps(crop=(32, 64))), **changes)


@pytest.mark.parametrize('kind', SETS)
def test_true_layouts_load(layouts, kind):
    dataset = build_dataset(config(layouts, kind))
    assert len(dataset) == SETS[kind][3]
    sample = dataset[0]
    values = set(sample['gt_semantic_seg'].data.unique().tolist())
    assert values <= {*range(19), 255} and {0, 10} & values
    counts = source_counts(dataset, keep=False)
    assert all(sum(one.values()) > 500 for one in counts)


@pytest.mark.parametrize('kind', ['BDD100KDataset', 'MapillaryDataset'])
def test_targets_need_no_labels(layouts, kind):
    dataset = build_dataset(config(layouts, kind, ann_dir=None, test_mode=True,
                                   pipeline=training_steps(labels=False)), need_labels=False)
    assert dataset[0]['img'].data.shape == (3, 24, 24)


@pytest.mark.parametrize('kind, make', [
    ('SynscapesDataset', 'convert synscapes'), ('MapillaryDataset', 'convert mapillary'),
    ('WildDashDataset', 'convert wilddash')])
def test_missing_train_labels_name_their_converter(tmp_path, kind, make):
    tiny_training.make_streets(tmp_path, 1, 1, 1, (64, 32), workers=1, layouts=[SETS[kind][0]])
    with pytest.raises(MissingFile, match=f'make them with: mmseg-ssr {make} .*{SETS[kind][0]}'):
        build_dataset(config(tmp_path, kind))


@pytest.mark.parametrize('kind, place', [
    ('SynscapesDataset', 'synscapes.on.liu.se'), ('BDD100KDataset', 'bdd-data.berkeley.edu'),
    ('MapillaryDataset', 'mapillary.com/dataset/vistas'),
    ('WildDashDataset', 'wilddash.cc/download/wd_public_02.zip')])
def test_missing_images_say_where_they_are_published(tmp_path, kind, place):
    with pytest.raises(MissingFile, match=f'{kind} is missing: put the data set there, .*{place}'):
        build_dataset(config(tmp_path, kind))


@pytest.mark.parametrize('folder, images', [
    ('train', 4), ('train/night', 2), ('train/twilight', 1), ('train/day', 1), ('val', 1),
    ('val/night', 1)])
def test_dark_zurich_at_all_times_of_day(layouts, folder, images):
    dataset = build_dataset(dict(
        type='DarkZurichDataset', data_root=f'{layouts}/dark_zurich', test_mode=True,
        img_dir=f'rgb_anon/{folder}', pipeline=training_steps(labels=False)), need_labels=False)
    assert len(dataset) == images and dataset[0]['img'].data.shape == (3, 24, 24)


def test_labels_of_synscapes_get_the_size_of_the_image(layouts):
    dataset = build_dataset(config(layouts, 'SynscapesDataset', pipeline=training_steps()[:2]))
    results = dataset[0]
    assert results['img'].shape == (32, 64, 3)
    small = np.asarray(Image.open(f'{dataset.ann_dir}/1_labelTrainIds.png'))
    assert small.shape == (22, 45)
    np.testing.assert_array_equal(results['gt_semantic_seg'],
                                  Image.fromarray(small).resize((64, 32), Image.NEAREST))


def test_counts_of_synscapes_are_of_the_labels_as_published(layouts):
    dataset = build_dataset(config(layouts, 'SynscapesDataset'))
    assert all(sum(one.values()) <= 22 * 45 for one in source_counts(dataset, keep=False))


def test_labels_of_synscapes_of_another_aspect_are_refused(tmp_path):
    write_image(tmp_path / 'img/rgb-2k/1.png')
    write_ids(tmp_path / 'img/class/1_labelTrainIds.png', np.zeros((32, 48)))
    dataset = build_dataset(config(tmp_path, 'SynscapesDataset', data_root=str(tmp_path)))
    with pytest.raises(DataError, match='1_labelTrainIds.png is 48 x 32 pixels, but its image'):
        dataset[0]


@pytest.fixture
def wilddash(tmp_path):
    """Twelve images, of which only the names count."""
    (tmp_path / 'images').mkdir()
    (tmp_path / 'labels').mkdir()
    for i in range(12):
        image = np.full((8, 8, 3), 9 * i, np.uint8)
        cv2.imwrite(str(tmp_path / f'images/{i:02d}.jpg'), image)
        write_ids(tmp_path / f'labels/{i:02d}_labelTrainIds.png', np.zeros((8, 8)))
    return dict(type='WildDashDataset', data_root=str(tmp_path), img_dir='images',
                ann_dir='labels', pipeline=[])


def names(dataset):
    return [info['filename'][:2] for info in dataset.img_infos]


def test_parts_of_wilddash_by_rule(wilddash):
    whole, train, val = (build_dataset(dict(wilddash, part=part))
                         for part in (None, 'train', 'val'))
    assert names(val) == ['00', '05', '10']
    assert sorted(names(train) + names(val)) == names(whole) and len(whole) == 12
    assert (whole.takes_a_part, train.takes_a_part) == (False, True)


def test_parts_of_all_images_are_as_many_as_published():
    assert len(range(0, 4256, 5)) == 852 and 4256 - 852 == 3404


def test_parts_of_wilddash_by_lists_of_others(wilddash, tmp_path):
    (tmp_path / 'val.txt').write_text('03\n07\n')
    assert names(build_dataset(dict(wilddash, split='val.txt'))) == ['03', '07']


@pytest.mark.parametrize('options, message', [
    (dict(part='vals'), "part must be train or val, got 'vals', did you mean 'val'"),
    (dict(part='val', split='val.txt'), 'part and split both choose images')])
def test_wrong_parts(wilddash, tmp_path, options, message):
    (tmp_path / 'val.txt').write_text('03\n')
    with pytest.raises(ConfigError, match=message):
        build_dataset(dict(wilddash, **options))


def test_wilddash_is_also_scored_on_16_classes(layouts):
    dataset = build_dataset(config(layouts, 'WildDashDataset', pipeline=[]), test_mode=True)
    labels = [dataset.get_gt_seg_map_by_idx(i) for i in range(2)]
    results = dataset.pre_eval([np.where(one == 255, 0, one) for one in labels], [0, 1])
    scores = dataset.evaluate(results, 'mIoU', 'silent')
    assert {'mIoU', 'mIoU16', 'mIoU16.others_ignored'} <= set(scores)
