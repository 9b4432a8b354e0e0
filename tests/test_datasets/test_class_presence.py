import re

import numpy as np
import pytest
from PIL import Image
from tiny_data import write_ids, write_image

from mmseg_ssr.datasets import build_dataset, class_presence
from mmseg_ssr.datasets.class_presence import absence, presence
from mmseg_ssr.labels.statistics import save_class_statistics

CLASSES = ['background', 'object']


def folder(root, labels, classes=CLASSES, **options):
    """A data set of 8 x 8 pixels whose labels each hold these values, half of the image each."""
    for i, values in enumerate(labels):
        write_image(root / f'images/{i}.png', 8, 8)
        ids = np.zeros((8, 8)) + values[0]
        ids[4:] = values[-1]
        write_ids(root / f'labels/{i}.png', ids)
    return build_dataset(dict(dict(
        type='FolderDataset', data_root=str(root), img_dir='images', ann_dir='labels',
        classes=classes, pipeline=[dict(type='LoadImageFromFile')]), **options))


def test_all_classes_are_there(tmp_path):
    assert absence(folder(tmp_path, [(0, ), (0, 1), (255, 0)])) is None


def test_a_class_that_no_label_holds(tmp_path):
    line = absence(folder(tmp_path, [(0, ), (0, 1)], ['background', 'object', 'sky', 'road']))
    assert line == (f'no pixel of sky, road is in the 2 labels of {tmp_path}/labels, so the '
                    'network cannot learn them')


def test_masks_of_0_and_255_get_the_classes_that_mend_them(tmp_path):
    labels = [(0, 255), (255, ), (0, )]
    line = absence(folder(tmp_path, labels))
    assert line.startswith('no pixel of object is in the 3 labels of ')
    classes = eval(re.search(r'give classes=(\[.*\])$', line)[1])  # as the user would
    mended = folder(tmp_path, labels, classes)
    assert absence(mended) is None
    assert mended.CLASSES == CLASSES


def test_another_type_of_data_set_is_told_which_to_take(tmp_path):
    folder(tmp_path, [(0, 255)])
    other = build_dataset(dict(type='CustomDataset', data_root=str(tmp_path), img_dir='images',
                               ann_dir='labels', img_suffix='.png', classes=CLASSES, pipeline=[]))
    assert "if it stands for object, give type='FolderDataset', classes=[dict(" in absence(other)


@pytest.mark.parametrize('values', [(0, ), (0, 7)])
def test_no_hint_without_255(tmp_path, values):
    line = absence(folder(tmp_path, [values], ignore=[7]))
    assert line.endswith('so the network cannot learn it')


def test_color_labels_have_no_hint_at_ids(tmp_path):
    classes = [dict(name='background', color=[0, 0, 0]), dict(name='object', color=[9, 9, 9])]
    (tmp_path / 'labels').mkdir()
    write_image(tmp_path / 'images/0.png', 8, 8)
    colors = np.zeros((8, 8, 3), np.uint8)
    colors[4:] = 255
    Image.fromarray(colors).save(tmp_path / 'labels/0.png')
    dataset = folder(tmp_path, [], classes, ignore=[[255, 255, 255]])
    assert absence(dataset).endswith('cannot learn it')


def test_sources_that_are_joined_count_together(tmp_path):
    folder(tmp_path / 'a', [(0, )])
    folder(tmp_path / 'b', [(1, )])
    both = build_dataset([dict(
        type='FolderDataset', data_root=str(tmp_path / name), img_dir='images', ann_dir='labels',
        classes=CLASSES, pipeline=[]) for name in 'ab'])
    assert absence(both) is None and presence(both).labels == 2


def test_many_labels_are_read_until_all_classes_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(class_presence, 'MOST_LABELS', 4)
    dataset = folder(tmp_path, [(0, 1)] + [(0, )] * 7)
    assert presence(dataset) == ([], 1, 8)
    write_ids(tmp_path / 'labels/0.png', np.zeros((8, 8)))
    assert presence(dataset) == (['object'], 4, 8)
    assert 'is in 4 labels, evenly spread over the 8 of ' in absence(dataset)


def test_class_statistics_are_taken_before_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(class_presence, 'MOST_LABELS', 0)
    dataset = folder(tmp_path, [(0, )] * 3)
    save_class_statistics(tmp_path, {f'labels/{i}.png': {0: 60, 1: 4 * (i == 2)} for i in range(3)})
    assert presence(dataset) == ([], 3, 3)


def test_damaged_labels_are_left_to_the_training(tmp_path):
    dataset = folder(tmp_path, [(0, )] * 2)
    (tmp_path / 'labels/0.png').write_bytes(b'no image')
    assert presence(dataset) == (['object'], 1, 2)
    (tmp_path / 'labels/1.png').write_bytes(b'no image')
    assert absence(dataset) is None


def test_what_a_published_data_set_lacks_is_no_news(tmp_path):
    write_image(tmp_path / 'RGB/0.png', 4, 4)
    dataset = build_dataset(dict(type='SynthiaDataset', data_root=str(tmp_path), img_dir='RGB',
                                 ann_dir='GT/LABELS', pipeline=[]), need_labels=False)
    write_ids(tmp_path / 'GT/LABELS' / dataset.img_infos[0]['ann']['seg_map'],
              np.arange(16).reshape(4, 4))
    assert presence(dataset).absent == ['motorcycle', 'bicycle']  # no train either
