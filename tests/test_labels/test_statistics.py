import json
import os
from functools import partial

import numpy as np
import pytest
from tiny_data import write_ids

from mmseg_ssr.errors import DataError, MissingFile
from mmseg_ssr.labels.statistics import (
    STATISTICS_FILES,
    check_ids,
    check_not_empty,
    count_labels,
    count_train_ids,
    fresh_counts,
    load_class_statistics,
    match_files,
    save_class_statistics,
)

FILES = ['labels/00001_labelTrainIds.png', 'labels/00002_labelTrainIds.png']


def count_classes(folder, files, num_classes):
    return count_labels(folder, files, partial(count_train_ids, num_classes=num_classes))


@pytest.fixture
def folder(tmp_path):
    write_ids(tmp_path / FILES[0], [[0, 0, 18], [255, 18, 18]])
    write_ids(tmp_path / FILES[1], [[5, 5, 5], [5, 5, 5]])
    return tmp_path


def test_counts_pixels_without_ignore(folder):
    assert count_classes(folder, FILES, 19) == {FILES[0]: {0: 2, 18: 3}, FILES[1]: {5: 6}}


def test_id_out_of_range_is_named(folder):
    with pytest.raises(DataError, match='00001_labelTrainIds.png holds id 18, expected 0..17'):
        count_classes(folder, FILES, 18)


def test_mostly_ignored_labels_are_an_error(folder):
    for file in FILES:
        write_ids(folder / file, np.full((2, 3), 255))
    with pytest.raises(DataError, match='2 of 2 labels .* are all ignore'):
        check_not_empty(count_classes(folder, FILES, 19), folder)


def test_save_and_load_round_trip(folder):
    statistics = count_classes(folder, FILES, 19)
    save_class_statistics(folder, statistics)
    assert load_class_statistics(folder) == statistics
    assert fresh_counts(folder, FILES) == statistics


@pytest.mark.parametrize('text', ['{', '[1]', '[{"0": 3}]', '[{"file": "a", "x": 3}]',
                                  '{"a": 1}', '[{"file": "a", "1": null}]'])
def test_damaged_statistics(folder, text):
    (folder / 'sample_class_stats.json').write_text(text)
    with pytest.raises(DataError, match='sample_class_stats.json are damaged: delete'):
        load_class_statistics(folder)
    assert fresh_counts(folder, FILES) == {}


def test_missing_statistics(folder):
    with pytest.raises(MissingFile, match='sample_class_stats.json are missing'):
        load_class_statistics(folder)
    assert fresh_counts(folder, FILES) == {}


def test_newer_label_is_not_fresh(folder):
    save_class_statistics(folder, count_classes(folder, FILES, 19))
    late = (folder / 'sample_class_stats.json').stat().st_mtime + 5
    os.utime(folder / FILES[1], (late, late))
    assert list(fresh_counts(folder, FILES)) == FILES[:1]


def test_published_paths_match_by_their_last_parts():
    assert match_files(
        ['data/gta/labels/00001_labelTrainIds.png', 'data\\gta\\labels\\00002_labelTrainIds.png',
         'data/gta/labels/99999_labelTrainIds.png'], FILES
    ) == {'data/gta/labels/00001_labelTrainIds.png': FILES[0],
          'data\\gta\\labels\\00002_labelTrainIds.png': FILES[1]}


def test_equal_names_in_other_folders_are_told_apart():
    files = ['gt/rome/a.png', 'gt/rio/a.png']
    assert match_files(['data/x/gt/rio/a.png', 'data/x/gt/rome/a.png'], files) == {
        'data/x/gt/rio/a.png': files[1], 'data/x/gt/rome/a.png': files[0]}


@pytest.mark.parametrize('name', ['b/labels/0.png', 'elsewhere/0.png', '0.png', 'labels/0.png'])
def test_an_equal_base_name_is_not_enough(name):
    assert match_files([name], ['a/labels/0.png']) == {}


@pytest.mark.parametrize('name', ['data/own/0.png', '/elsewhere/gta/labels/0.png'])
def test_a_label_without_a_folder_is_known_by_its_own_name_alone(name):
    assert match_files([name], ['0.png']) == {}
    assert match_files(['./0.png'], ['0.png']) == {'./0.png': '0.png'}


@pytest.mark.parametrize('files', [['labels/0.png', 'old/labels/0.png'],
                                   ['old/labels/0.png', 'labels/0.png']])
def test_the_name_of_the_file_itself_wins_over_foreign_ones(files):
    own = {'labels/0.png': 'labels/0.png'}
    assert match_files(['labels/0.png', 'data/gta/labels/0.png'], files) == own
    assert match_files(['data/gta/labels/0.png', 'labels/0.png'], files) == own


def test_of_several_foreign_names_none_is_taken():
    assert match_files(['x/labels/0.png', 'y/labels/0.png', 'x/labels/1.png'],
                       ['labels/0.png', 'labels/1.png']) == {'x/labels/1.png': 'labels/1.png'}


def test_a_foreign_name_means_the_longest_path_that_it_ends_in():
    files = ['labels/0.png', 'old/labels/0.png']
    assert match_files(['data/gta/old/labels/0.png'], files) == {
        'data/gta/old/labels/0.png': 'old/labels/0.png'}


@pytest.mark.parametrize('name', ['old/labels/0.png', 'data/gta/old/labels/0.png'])
def test_the_name_of_another_file_in_the_folder_is_not_foreign(tmp_path, name):
    assert match_files([name], ['labels/0.png'], tmp_path) == {name: 'labels/0.png'}
    write_ids(tmp_path / 'old/labels/0.png', [[0]])
    assert match_files([name], ['labels/0.png'], tmp_path) == {}


def test_counts_of_another_label_are_not_fresh(folder):
    write_ids(folder / 'b' / FILES[0], [[1]])
    save_class_statistics(folder, {f'b/{FILES[0]}': {1: 1}})
    assert fresh_counts(folder, FILES) == {}
    save_class_statistics(folder, {FILES[0]: {0: 2, 18: 3}, f'b/{FILES[0]}': {1: 1}})
    assert fresh_counts(folder, FILES) == {FILES[0]: {0: 2, 18: 3}}


def test_published_statistics_are_used(folder):
    records = [{'file': f'data/gta/{file}', '3': 7} for file in FILES]
    (folder / 'sample_class_stats.json').write_text(json.dumps(records))
    assert fresh_counts(folder, FILES) == {file: {3: 7} for file in FILES}


def test_half_of_the_labels_may_be_empty():
    statistics = {'a': {}, 'b': {0: 1}}
    check_not_empty(statistics, '.')
    with pytest.raises(DataError, match=r'2 of 3 labels .* all ignore \(first: a\)'):
        check_not_empty(dict(statistics, c={}), '.')


def test_the_first_id_that_is_no_class_is_none(folder):
    check_ids([0, 18, 255], 'x.png', 19)
    with pytest.raises(DataError, match='x.png holds id 19, expected 0..18 or 255'):
        check_ids([19], 'x.png', 19)
    with pytest.raises(DataError, match='holds id 255, expected 0..18 or 200'):
        check_ids([200, 255], 'x.png', 19, 200)


def test_labels_written_while_others_were_read_count_as_unknown(folder):
    begun = (folder / FILES[1]).stat().st_mtime - 5
    os.utime(folder / FILES[0], (begun - 5, begun - 5))
    save_class_statistics(folder, count_classes(folder, FILES, 19), begun)
    assert list(fresh_counts(folder, FILES)) == FILES[:1]


def test_another_ignored_id_than_255_is_counted(folder):
    write_ids(folder / FILES[1], [[200, 200, 3], [3, 3, 3]])
    assert count_train_ids(folder / FILES[1], 19, 200) == {200: 2, 3: 4}


def test_the_three_files_hold_the_same(folder):
    save_class_statistics(folder, {'a': {0: 2, 18: 3}, 'b': {0: 6}})
    read = [json.loads((folder / name).read_text()) for name in STATISTICS_FILES]
    assert read == [[{'file': 'a', '0': 2, '18': 3}, {'file': 'b', '0': 6}],
                    {'a': {'0': 2, '18': 3}, 'b': {'0': 6}},
                    {'0': [['a', 2], ['b', 6]], '18': [['a', 3]]}]
