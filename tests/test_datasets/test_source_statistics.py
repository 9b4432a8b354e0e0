import json
import os
import shutil
import time

import numpy as np
import pytest
from mmseg.datasets import RepeatDataset
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.pipelines import LoadAnnotations
from PIL import Image
from tiny_data import gta_config, training_steps, write_ids, write_image

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.pipelines.cached_loading import keep_last_loaded
from mmseg_ssr.datasets.source_statistics import source_counts
from mmseg_ssr.domains import source_counts as module
from mmseg_ssr.errors import ConfigError, DataError
from mmseg_ssr.labels.statistics import count_train_ids

COUNTS = {0: 32 * 64 // 2, 10: 32 * 64 // 2 - 1}
WITH_TRAIN = {0: 32 * 64 // 2 - 256, 10: 32 * 64 // 2 - 1, 16: 256}
EXPECTED = [WITH_TRAIN, COUNTS, COUNTS, WITH_TRAIN, COUNTS, COUNTS]


@pytest.fixture
def counted(monkeypatch):
    """The files that had to be read."""
    files = []
    count = module.count_labels
    monkeypatch.setattr(module, 'count_labels',
                        lambda root, names, *rest: files.extend(names) or count(root, names, *rest))
    return files


def test_statistics_of_the_converter_are_used(gta, counted):
    assert source_counts(build_dataset(gta_config(gta))) == EXPECTED
    assert counted == []


def test_absent_statistics_are_made_once(gta, counted):
    for name in gta.glob('*.json'):
        name.unlink()
    dataset = build_dataset(gta_config(gta))
    assert source_counts(dataset) == EXPECTED
    assert len(counted) == 6 and len(list(gta.glob('*.json'))) == 3
    assert source_counts(dataset) == EXPECTED
    assert len(counted) == 6


def test_only_new_and_changed_labels_are_counted_again(gta, counted):
    stats = gta / 'sample_class_stats.json'
    records = [r for r in json.loads(stats.read_text()) if '00003' not in r['file']]
    stats.write_text(json.dumps(records))
    write_ids(gta / 'labels' / '00005_labelTrainIds.png', np.full((32, 64), 4))
    late = stats.stat().st_mtime + 5
    os.utime(gta / 'labels' / '00005_labelTrainIds.png', (late, late))
    counts = source_counts(build_dataset(gta_config(gta)))
    assert counts == [*EXPECTED[:4], {4: 32 * 64}, EXPECTED[5]]
    assert counted == ['labels/00003_labelTrainIds.png', 'labels/00005_labelTrainIds.png']
    assert len(json.loads(stats.read_text())) == 6


def test_records_of_other_labels_in_the_folder_are_kept(gta):
    stats = gta / 'sample_class_stats.json'
    write_ids(gta / 'other' / 'a.png', [[1]])
    stats.write_text(json.dumps([{'file': 'other/a.png', '1': 1}, {'file': 'gone/b.png', '1': 1},
                                 {'file': 'x' * 300, '1': 1}]))
    source_counts(build_dataset(gta_config(gta)))
    files = {r['file'] for r in json.loads(stats.read_text())}
    assert len(files) == 7 and 'other/a.png' in files


def test_folder_that_cannot_be_written_is_a_warning(gta, monkeypatch, caplog):
    for name in gta.glob('*.json'):
        name.unlink()

    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(module, 'save_class_statistics', refuse)
    with caplog.at_level('WARNING'):
        assert source_counts(build_dataset(gta_config(gta))) == EXPECTED
    assert f'{gta} cannot be written (Permission denied): give yourself the permission' in \
        caplog.text and 'else the classes are counted on every start' in caplog.text


def test_wrong_ids_stop_with_the_file(gta):
    write_ids(gta / 'labels' / '00004_labelTrainIds.png', np.full((32, 64), 40))
    (gta / 'sample_class_stats.json').unlink()
    with pytest.raises(DataError, match='00004_labelTrainIds.png holds id 40'):
        source_counts(build_dataset(gta_config(gta)))


def test_mapped_classes_are_counted_as_trained(gta):
    dataset = build_dataset(gta_config(gta, classes=['sky', 'road']))
    assert source_counts(dataset)[0] == {1: WITH_TRAIN[0], 0: WITH_TRAIN[10]}


def test_shifted_classes_are_counted_as_trained(gta):
    steps = training_steps()
    steps[1]['reduce_zero_label'] = True
    dataset = build_dataset(gta_config(gta, reduce_zero_label=True, pipeline=steps))
    assert source_counts(dataset)[0] == {9: WITH_TRAIN[10], 15: WITH_TRAIN[16]}


@pytest.fixture
def twins(tmp_path):
    """Labels of equal names in two folders: two of class 0 in ``a``, two of class 1 in ``b``."""
    for value, part in enumerate('ab'):
        for i in range(2):
            write_image(tmp_path / part / 'images' / f'{i}.png', 4, 4)
            write_ids(tmp_path / part / 'labels' / f'{i}.png', np.full((4, 4), value))
    return tmp_path


def twin(root, part):
    return dict(type='FolderDataset', data_root=str(root), img_dir=f'{part}/images',
                ann_dir=f'{part}/labels', classes=['zero', 'one'], pipeline=[])


def test_labels_of_equal_names_in_one_root_are_told_apart(twins, counted):
    both = build_dataset([twin(twins, 'a'), twin(twins, 'b')])
    expected = [{0: 16}, {0: 16}, {1: 16}, {1: 16}]
    assert source_counts(both) == expected
    assert source_counts(both) == expected
    assert counted == ['a/labels/0.png', 'a/labels/1.png', 'b/labels/0.png', 'b/labels/1.png']


@pytest.mark.parametrize('order', ['ab', 'ba'])
def test_a_training_on_one_folder_then_on_the_other(twins, order):
    for part in order:
        assert source_counts(build_dataset(twin(twins, part))) == [{'ab'.index(part): 16}] * 2
    records = json.loads((twins / 'sample_class_stats.json').read_text())
    assert {r['file']: r for r in records}.keys() == {
        f'{part}/labels/{i}.png' for part in 'ab' for i in range(2)}


def test_a_copy_of_the_labels_in_the_root_changes_nothing(gta, counted):
    shutil.copytree(gta / 'labels', gta / 'backup' / 'labels')
    assert source_counts(build_dataset(gta_config(gta))) == EXPECTED
    assert counted == []


def test_a_changed_label_of_another_folder_does_not_pass_for_new(twins):
    """Counting ``b`` writes the statistics anew, after the change in ``a``."""
    source_counts(build_dataset(twin(twins, 'a')))
    write_ids(twins / 'a/labels/0.png', np.full((4, 4), 1))
    late = (twins / 'sample_class_stats.json').stat().st_mtime + 0.01
    os.utime(twins / 'a/labels/0.png', (late, late))
    time.sleep(0.02)
    source_counts(build_dataset(twin(twins, 'b')))
    assert source_counts(build_dataset(twin(twins, 'a'))) == [{1: 16}, {0: 16}]


def test_wrappers_within_wrappers(twins):
    write_ids(twins / 'a/labels/1.png', np.full((4, 4), 255))
    repeated = dict(type='RepeatDataset', times=2, dataset=twin(twins, 'a'))
    dataset = build_dataset([repeated, twin(twins, 'b')])
    expected = [{0: 16}, {}] * 2 + [{1: 16}] * 2
    assert len(dataset) == len(expected)
    assert source_counts(dataset) == expected
    assert source_counts(RepeatDataset(dataset, 2)) == expected * 2


def test_wrappers(gta):
    config = gta_config(gta, pipeline=training_steps())
    assert source_counts(build_dataset([config, config])) == EXPECTED * 2
    assert source_counts(build_dataset(dict(type='RepeatDataset', times=2, dataset=config))) \
        == EXPECTED * 2


@pytest.mark.parametrize('first, second', [(0, 255), (255, 0)])
def test_the_counts_outlive_another_ignored_id(gta, counted, first, second):
    for name in gta.glob('*.json'):
        name.unlink()
    for label in gta.glob('labels/*_labelTrainIds.png'):
        write_ids(label, np.arange(32 * 64).reshape(32, 64) % 2)
    for ignored in (first, second):
        counts = source_counts(build_dataset(gta_config(gta, ignore_index=ignored)))
        assert (0 in counts[0]) == (ignored != 0)
    assert len(counted) == 6


def test_a_label_that_changes_while_others_are_counted_is_counted_again(gta, monkeypatch):
    for name in gta.glob('*.json'):
        name.unlink()
    changed, count = gta / 'labels' / '00001_labelTrainIds.png', module.count_labels

    def meanwhile(*arguments):
        counts = count(*arguments)
        write_ids(changed, np.full((32, 64), 4))
        os.utime(changed, (time.time() + 0.01, ) * 2)
        time.sleep(0.1)  # the counts are saved later; clocks of files may be coarse
        return counts

    monkeypatch.setattr(module, 'count_labels', meanwhile)
    source_counts(build_dataset(gta_config(gta)))
    monkeypatch.setattr(module, 'count_labels', count)
    assert source_counts(build_dataset(gta_config(gta)))[0] == {4: 32 * 64}


def test_ids_in_16_bits_are_counted_as_they_are_read(gta):
    Image.fromarray(np.full((32, 64), 4, np.uint16)).save(
        gta / 'labels' / '00001_labelTrainIds.png')
    dataset = build_dataset(gta_config(gta))
    (gta / 'sample_class_stats.json').unlink()
    assert source_counts(dataset)[0] == {4: 32 * 64}
    assert dataset.get_gt_seg_map_by_idx(0).max() == 4


def own_data(root, exif=None):
    """Two images of 40 x 20 and their labels, ``FolderDataset``'s config without a pipeline."""
    (root / 'images').mkdir()
    for i in range(2):
        image = Image.fromarray(np.random.default_rng(i).integers(0, 256, (20, 40, 3), np.uint8))
        image.save(root / f'images/{i}.jpg', **(dict(exif=exif) if exif else {}))
        write_ids(root / f'labels/{i}.png', np.full((20, 40), i))
    return dict(type='FolderDataset', data_root=str(root), img_dir='images', ann_dir='labels',
                classes=['a', 'b'])


@pytest.mark.parametrize('flag, fits', [('color', False), ('color_ignore_orientation', True)])
def test_sizes_are_those_of_the_loading_step(tmp_path, flag, fits):
    exif = Image.Exif()
    exif[0x0112] = 6
    pipeline = [dict(type='LoadImageFromFile', color_type=flag), dict(type='LoadAnnotations')]
    dataset = build_dataset(dict(own_data(tmp_path, exif), pipeline=pipeline))
    if fits:
        assert source_counts(dataset, keep=False) == [{0: 800}, {1: 800}]
        assert dataset[0]['img'].shape[:2] == dataset[0]['gt_semantic_seg'].shape
    else:
        with pytest.raises(DataError, match='0.png is 40 x 20 pixels, but its image .* is 20 x 40'):
            source_counts(dataset, keep=False)


@pytest.fixture
def swapped(monkeypatch):
    """A user's step that reads labels in a way of its own: classes 0 and 1 change places."""

    class LoadSwapped(LoadAnnotations):
        def __call__(self, results):
            results = super().__call__(results)
            label = results['gt_semantic_seg']
            results['gt_semantic_seg'] = np.where(label < 2, 1 - label, label)
            return results

    monkeypatch.setitem(PIPELINES.module_dict, 'LoadSwapped', LoadSwapped)
    return [dict(type='LoadImageFromFile'), dict(type='LoadSwapped')]


def test_labels_are_counted_as_the_users_own_step_reads_them(tmp_path, swapped):
    config = dict(own_data(tmp_path), type='CustomDataset', img_suffix='.jpg',
                  palette=[[0] * 3] * 2)
    plain = build_dataset(dict(config, pipeline=[*swapped[:1], dict(type='LoadAnnotations')]))
    assert source_counts(plain) == [{0: 800}, {1: 800}]
    own = build_dataset(dict(config, pipeline=swapped))
    kept = (tmp_path / 'sample_class_stats.json').read_bytes()
    assert source_counts(own) == [{1: 800}, {0: 800}]  # what is kept is of the files
    assert (tmp_path / 'sample_class_stats.json').read_bytes() == kept
    keep_last_loaded(own)
    assert source_counts(own) == [{1: 800}, {0: 800}]


def test_a_class_table_and_a_step_of_ones_own_are_refused(tmp_path, swapped):
    with pytest.raises(ConfigError, match='LoadSwapped in its pipeline would not be used'):
        build_dataset(dict(own_data(tmp_path), pipeline=swapped))


def test_a_named_pipe_among_the_labels_is_refused_at_once(tmp_path):
    config = dict(own_data(tmp_path), pipeline=[dict(type='LoadImageFromFile'),
                                                dict(type='LoadAnnotations')])
    os.remove(tmp_path / 'labels/1.png')
    os.mkfifo(tmp_path / 'labels/1.png')
    with pytest.raises(DataError, match='label .*1.png is a named pipe, expected a file'):
        build_dataset(config)
    with pytest.raises(DataError, match='label .*1.png is a named pipe'):
        count_train_ids(tmp_path / 'labels/1.png', 2)


def test_labels_may_end_in_upper_case(tmp_path):
    config = dict(own_data(tmp_path), pipeline=[dict(type='LoadAnnotations')])
    (tmp_path / 'labels/1.png').rename(tmp_path / 'labels/1.PNG')
    assert source_counts(build_dataset(config), keep=False) == [{0: 800}, {1: 800}]


def test_mmsegs_own_data_sets_list_each_file_once(tmp_path):
    config = dict(own_data(tmp_path), type='CustomDataset', img_suffix='.jpg', pipeline=[],
                  palette=[[0] * 3] * 2)
    for name in ('images', 'labels'):
        (tmp_path / name / 'self').symlink_to('.')
    assert [info['filename'] for info in build_dataset(config).img_infos] == ['0.jpg', '1.jpg']
