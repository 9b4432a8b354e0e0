"""Data of one's own, without a line of code: trained on, scored, and what is said of mistakes."""
import json

import numpy as np
import pytest
from PIL import Image
from tiny_data import training_steps, write_ids, write_image

from mmseg_ssr.datasets import FolderDataset, UDADataset, build_dataset
from mmseg_ssr.datasets.source_statistics import source_counts
from mmseg_ssr.errors import ConfigError, DataError, MissingFile

CLASSES = [dict(name='ground', ids=[7, 8]), dict(name='sky', ids=[23]), dict(name='car', ids=[26])]
HALF = 32 * 64 // 2


@pytest.fixture
def own(tmp_path):
    """Four images in two folders, JPEG and PNG, with labels of raw ids."""
    for i, name in enumerate(('mon/0', 'mon/1', 'tue/0', 'tue/north/1')):
        image = tmp_path / 'images' / f'{name}.{"jpg" if i % 2 else "png"}'
        write_image(image.with_suffix('.png'), seed=i)
        if i % 2:
            Image.open(image.with_suffix('.png')).save(image)
            image.with_suffix('.png').unlink()
        ids = np.full((32, 64), 23)
        ids[16:] = 7 + i % 2
        if i == 3:
            ids[16:20] = 26
        write_ids(tmp_path / 'labels' / f'{name}.png', ids)
    return tmp_path


def config(own, **changes):
    return dict(dict(type='FolderDataset', data_root=str(own), img_dir='images', ann_dir='labels',
                     classes=CLASSES, pipeline=training_steps()), **changes)


def test_images_and_classes(own):
    dataset = build_dataset(config(own))
    assert tuple(dataset.CLASSES) == ('ground', 'sky', 'car')
    assert [info['filename'] for info in dataset.img_infos] == [
        'mon/0.png', 'mon/1.jpg', 'tue/0.png', 'tue/north/1.jpg']
    values = set(np.unique(np.concatenate([
        dataset[i]['gt_semantic_seg'].data.numpy().ravel() for i in range(4) for _ in range(5)])))
    assert values <= {0, 1, 2, 255} and {0, 1} <= values
    np.testing.assert_array_equal(np.unique(dataset.get_gt_seg_map_by_idx(3)), [0, 1, 2])


def test_statistics_are_made_on_first_use(own):
    dataset = build_dataset(config(own))
    expected = [{0: HALF, 1: HALF}] * 3 + [{0: HALF - 256, 1: HALF, 2: 256}]
    assert source_counts(dataset) == expected
    records = json.loads((own / 'sample_class_stats.json').read_text())
    assert {'file': 'labels/tue/north/1.png', '8': HALF - 256, '23': HALF, '26': 256} in records
    # another table over the same files: the counts still hold
    classes = [dict(name='a', ids=[7, 8, 26]), dict(name='b', ids=[23])]
    assert source_counts(build_dataset(config(own, classes=classes))) == [{0: HALF, 1: HALF}] * 4


def test_a_value_that_no_class_has_is_found_when_statistics_are_made(own):
    write_ids(own / 'labels' / 'tue' / '0.png', np.full((32, 64), 99))
    with pytest.raises(DataError, match='labels/tue/0.png holds id 99, which the config does not'):
        source_counts(build_dataset(config(own)))
    assert not list(own.glob('*.json'))


def test_also_when_it_was_counted_for_another_table(own):
    source_counts(build_dataset(config(own)))
    with pytest.raises(DataError, match='labels/tue/north/1.png holds id 26'):
        source_counts(build_dataset(config(own, classes=CLASSES[:2])))


def test_a_label_of_another_size_is_found_when_statistics_are_made(own):
    write_ids(own / 'labels' / 'mon' / '1.png', np.full((64, 32), 7))
    with pytest.raises(DataError, match='mon/1.png is 32 x 64 pixels, but its image .*mon/1.jpg is '
                                        '64 x 32: they must be of one size'):
        source_counts(build_dataset(config(own)))


def test_a_wrong_value_is_named_when_it_is_read(own):
    dataset = build_dataset(config(own))
    write_ids(own / 'labels' / 'mon' / '0.png', np.full((32, 64), 99))
    with pytest.raises(DataError, match='mon/0.png holds id 99'):
        dataset[0]


def test_an_image_without_label(own):
    (own / 'labels' / 'mon' / '1.png').unlink()
    with pytest.raises(MissingFile, match=r'1 of 4 labels \*.png of FolderDataset are missing in '
                                          r'.*labels \(first: mon/1.png\)'):
        build_dataset(config(own))
    assert len(build_dataset(config(own), skip_unlabeled=True)) == 3


def test_a_folder_without_images(own):
    with pytest.raises(MissingFile, match=r'images/mon holds no image \*.bmp for FolderDataset'):
        build_dataset(config(own, img_dir='images/mon', img_suffix='.bmp'))


def test_other_endings(own):
    for path in list((own / 'labels').rglob('*.png')):
        path.rename(path.with_name(f'{path.stem}_mask.png'))
    dataset = build_dataset(config(own, img_suffix='.jpg', seg_map_suffix='_mask.png'))
    assert len(dataset) == 2 and dataset[0]['gt_semantic_seg'].data.shape[0] == 1
    with pytest.raises(ConfigError, match='img_suffix must be an ending'):
        FolderDataset(training_steps(), str(own), CLASSES, img_suffix=[])


def test_source_and_target_together(own):
    target = config(own, pipeline=training_steps(labels=False))
    del target['ann_dir']
    pairs = UDADataset(config(own), target, dict(min_pixels=50, class_temp=0.1))
    assert pairs[0]['img'].data.shape == pairs[0]['target_img'].data.shape
    assert pairs.sampler.classes.tolist() == [2, 0, 1]  # the rarest first
    target['classes'] = CLASSES[:2]
    with pytest.raises(ConfigError):
        UDADataset(config(own), target)


def test_perfect_predictions_score_one(own):
    dataset = build_dataset(config(own), test_mode=True)
    results = [dataset.pre_eval(dataset.get_gt_seg_map_by_idx(i), i)[0] for i in range(4)]
    assert dataset.evaluate(results, logger='silent')['mIoU'] == 1
