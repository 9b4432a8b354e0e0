import json
import os

import numpy as np
import pytest
from tiny_data import gta_config, training_steps, write_ids

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets import source_statistics as module
from mmseg_ssr.datasets.source_statistics import source_counts
from mmseg_ssr.errors import DataError

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


def test_folder_that_cannot_be_written_is_a_warning(gta, monkeypatch):
    for name in gta.glob('*.json'):
        name.unlink()

    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(module, 'save_class_statistics', refuse)
    assert source_counts(build_dataset(gta_config(gta))) == EXPECTED


def test_wrong_ids_stop_with_the_file(gta):
    write_ids(gta / 'labels' / '00004_labelTrainIds.png', np.full((32, 64), 40))
    (gta / 'sample_class_stats.json').unlink()
    with pytest.raises(DataError, match='00004_labelTrainIds.png holds id 40'):
        source_counts(build_dataset(gta_config(gta)))


def test_mapped_classes_are_counted_as_trained(gta):
    dataset = build_dataset(gta_config(gta, classes=['sky', 'road']))
    assert source_counts(dataset)[0] == {1: WITH_TRAIN[0], 0: WITH_TRAIN[10]}


def test_shifted_classes_are_counted_as_trained(gta):
    dataset = build_dataset(gta_config(gta, reduce_zero_label=True))
    assert source_counts(dataset)[0] == {9: WITH_TRAIN[10], 15: WITH_TRAIN[16]}


def test_wrappers(gta):
    config = gta_config(gta, pipeline=training_steps())
    assert source_counts(build_dataset([config, config])) == EXPECTED * 2
    assert source_counts(build_dataset(dict(type='RepeatDataset', times=2, dataset=config))) \
        == EXPECTED * 2
