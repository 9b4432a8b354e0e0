import json
import os

import numpy as np
import pytest
from PIL import Image
from tiny_data import street, write_ids

from mmseg_ssr.errors import DataError, MissingFile
from mmseg_ssr.labels.cityscapes import TRAIN_IDS
from mmseg_ssr.labels.conversion import SYNTHIA_TRAIN_IDS, train_id_table
from mmseg_ssr.labels.published import (
    convert_cityscapes,
    convert_crosscity,
    convert_gta,
    convert_synthia,
)
from mmseg_ssr.labels.statistics import load_class_statistics, save_class_statistics

LABEL_IDS = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]


def ids_of(path):
    image = Image.open(path)
    assert image.mode == 'L'
    return np.array(image)


def test_table_gives_the_19_train_ids_and_ignores_the_rest():
    table = train_id_table()
    assert [int(table[i]) for i in LABEL_IDS] == list(range(19))
    assert (np.delete(table, LABEL_IDS) == 255).all()
    assert len(TRAIN_IDS) == 19


def test_gta_palette_labels_are_read_by_index(gta_raw):
    every_id = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_ids(gta_raw / 'labels' / '00001.png', every_id, palette=True)
    result = convert_gta(gta_raw)
    assert (result.converted, result.skipped, result.failures) == (6, 0, [])
    converted = ids_of(gta_raw / 'labels' / '00001_labelTrainIds.png')
    np.testing.assert_array_equal(converted, train_id_table()[every_id])


def test_gta_statistics_are_the_three_published_files(gta_raw):
    convert_gta(gta_raw)
    first = 'labels/00001_labelTrainIds.png'
    counts = {'10': 32 * 64 // 2 - 1, '0': 32 * 64 // 2 - 8 * 32, '16': 8 * 32}
    records = json.loads((gta_raw / 'sample_class_stats.json').read_text())
    assert dict(counts, file=first) in records and len(records) == 6
    by_file = json.loads((gta_raw / 'sample_class_stats_dict.json').read_text())
    assert by_file[first] == counts and len(by_file) == 6
    by_class = json.loads((gta_raw / 'samples_with_class.json').read_text())
    assert by_class['16'] == [[first, 256], ['labels/00004_labelTrainIds.png', 256]]


def test_several_processes_give_the_same(gta_raw):
    for i in range(7, 41):
        write_ids(gta_raw / 'labels' / f'{i:05d}.png', street(i), palette=True)
    seen = []
    result = convert_gta(gta_raw, workers=2,
                         progress=lambda items, total: (seen.append((x, total)) or x
                                                        for x in items))
    assert result.converted == 40
    assert len(seen) == 40 and seen[0][1] == 40
    assert list(result.statistics) == sorted(result.statistics)


def test_second_run_skips_what_is_done_and_keeps_the_statistics(gta_raw):
    first = convert_gta(gta_raw)
    before = (gta_raw / 'sample_class_stats.json').read_text()
    written = (gta_raw / 'labels' / '00002_labelTrainIds.png').stat().st_mtime_ns
    second = convert_gta(gta_raw)
    assert (second.converted, second.skipped) == (0, 6)
    assert second.statistics == first.statistics
    assert (gta_raw / 'sample_class_stats.json').read_text() == before
    assert (gta_raw / 'labels' / '00002_labelTrainIds.png').stat().st_mtime_ns == written


def test_stopped_run_goes_on(gta_raw):
    def stop_after_two(items, total):
        for i, item in enumerate(items):
            if i == 2:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        convert_gta(gta_raw, progress=stop_after_two)
    assert not (gta_raw / 'sample_class_stats.json').exists()
    result = convert_gta(gta_raw)
    assert result.skipped >= 2 and result.skipped + result.converted == 6
    assert len(json.loads((gta_raw / 'sample_class_stats.json').read_text())) == 6


def test_newer_label_and_damaged_output_are_converted_again(gta_raw):
    convert_gta(gta_raw)
    newer = gta_raw / 'labels' / '00001.png'
    write_ids(newer, np.full((32, 64), 26))
    late = (gta_raw / 'sample_class_stats.json').stat().st_mtime + 10
    os.utime(newer, (late, late))
    damaged = gta_raw / 'labels' / '00002_labelTrainIds.png'
    damaged.write_bytes(damaged.read_bytes()[:40])
    os.utime(damaged, (late, late))
    result = convert_gta(gta_raw)
    assert (result.converted, result.skipped) == (2, 4)
    assert result.statistics['labels/00001_labelTrainIds.png'] == {13: 32 * 64}
    assert (ids_of(damaged) == 10).any()


def test_a_published_label_that_is_a_broken_link_does_not_stop_the_rest(gta_raw):
    (gta_raw / 'labels/00003.png').rename(gta_raw / 'moved')
    os.symlink('/unplugged', gta_raw / 'labels/00003.png')
    convert_gta(gta_raw)
    result = convert_gta(gta_raw)
    assert result.skipped == 5 and len(result.failures) == 1
    assert 'labels/00003.png is a broken link to /unplugged' in result.failures[0]


def test_damaged_label_is_named_and_does_not_stop_the_rest(gta_raw):
    bad = gta_raw / 'labels' / '00003.png'
    bad.write_bytes(bad.read_bytes()[:50])
    Image.new('RGB', (64, 32)).save(gta_raw / 'labels' / '00004.png')
    Image.fromarray(np.full((32, 64), 300, np.uint16)).save(gta_raw / 'labels' / '00005.png')
    result = convert_gta(gta_raw)
    assert result.converted == 3
    assert len(result.failures) == 3
    assert '00003.png' in result.failures[0] and 'does not decode' in result.failures[0]
    assert '00004.png' in result.failures[1] and 'mode RGB' in result.failures[1]
    assert '00005.png' in result.failures[2] and 'expected an 8-bit PNG' in result.failures[2]
    assert not (gta_raw / 'labels' / '00003_labelTrainIds.png').exists()
    assert not list((gta_raw / 'labels').glob('*.part-*'))
    assert len(json.loads((gta_raw / 'sample_class_stats.json').read_text())) == 3


def test_labels_without_any_class_are_an_error_when_they_are_most(gta_raw):
    for i in (1, 2):
        write_ids(gta_raw / 'labels' / f'{i:05d}.png', np.zeros((32, 64)))
    assert convert_gta(gta_raw).empty == ['labels/00001_labelTrainIds.png',
                                          'labels/00002_labelTrainIds.png']
    for i in (3, 4, 5):
        label = gta_raw / 'labels' / f'{i:05d}.png'
        write_ids(label, np.zeros((32, 64)))
        late = label.stat().st_mtime + 10
        os.utime(label, (late, late))
    with pytest.raises(DataError, match='5 of 6 labels in .*gta are all ignore'):
        convert_gta(gta_raw)


def test_cityscapes_counts_train_and_converts_val_too(cityscapes_raw):
    result = convert_cityscapes(cityscapes_raw)
    assert result.converted == 5
    name = 'gtFine/val/lindau/lindau_000001_000019_gtFine_'
    np.testing.assert_array_equal(ids_of(cityscapes_raw / f'{name}labelTrainIds.png'),
                                  train_id_table()[street(1)])
    records = json.loads((cityscapes_raw / 'sample_class_stats.json').read_text())
    assert [r['file'] for r in records] == [
        f'gtFine/train/aachen/aachen_{i:06d}_000019_gtFine_labelTrainIds.png' for i in range(3)]


def test_the_classes_of_synthia():
    # in the order of the train ids: road, sidewalk, building, wall, fence, pole, light, sign, ...
    assert [SYNTHIA_TRAIN_IDS[i] for i in (3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19,
                                           20, 12, 11)] == list(range(19))
    ignored = {0, 13, 14, 22}  # void, parking slot, road work, lane marking
    assert set(range(23)) - set(SYNTHIA_TRAIN_IDS) == ignored


def test_synthia_is_converted_with_statistics(synthia_raw):
    result = convert_synthia(synthia_raw)
    assert (result.converted, result.skipped, result.failures) == (3, 0, [])
    converted = ids_of(synthia_raw / 'GT/LABELS/0000001_labelTrainIds.png')
    np.testing.assert_array_equal(converted[0, :4], [0, 10, 255, 13])  # road, sky, void, car
    records = json.loads((synthia_raw / 'sample_class_stats.json').read_text())
    assert len(records) == 3 and records[0]['10'] == 32 * 64 - 3
    assert (convert_synthia(synthia_raw).skipped, len(result.statistics)) == (3, 3)


def test_damaged_labels_of_synthia_are_named(synthia_raw):
    bad = synthia_raw / 'GT/LABELS/0000001.png'
    bad.write_bytes(bad.read_bytes()[:-30])
    write_ids(synthia_raw / 'GT/LABELS/0000002.png', np.zeros((32, 64)))
    first, second = convert_synthia(synthia_raw).failures
    assert '0000001.png does not decode, it is damaged' in first
    assert '0000002.png has 1 channel(s) of 8 bits, expected three of 16' in second


def test_other_sets_of_synthia_are_refused(synthia_raw):
    labels = synthia_raw / 'GT/LABELS'
    (labels / 'Stereo_Left').mkdir()
    for path in labels.glob('*.png'):
        path.rename(labels / 'Stereo_Left' / path.name)
    with pytest.raises(MissingFile, match='no other SYNTHIA set'):
        convert_synthia(synthia_raw)


@pytest.mark.parametrize('part', ['', 'Rome'])
def test_cross_city_as_a_whole_and_one_city(tmp_path, part):
    for city in ('Rome', 'Rio'):
        write_ids(tmp_path / city / 'Labels/Test/pano_1_eval.png', street(1))
    result = convert_crosscity(tmp_path / part)
    assert result.converted == (1 if part else 2)
    converted = ids_of(tmp_path / 'Rome/Labels/Test/pano_1_labelTrainIds.png')
    np.testing.assert_array_equal(converted, train_id_table()[street(1)])
    assert not list(tmp_path.rglob('*.json'))  # no training labels, no statistics
    assert convert_crosscity(tmp_path / part).converted == 0


@pytest.mark.parametrize('convert, expected', [(convert_gta, 'labels/NNNNN.png'),
                                               (convert_synthia, 'GT/LABELS/NNNNNNN.png'),
                                               (convert_crosscity, 'CITY/Labels/Test'),
                                               (convert_cityscapes, 'gtFine/train/CITY')])
def test_wrong_folder_is_said_in_one_line(convert, expected, tmp_path):
    with pytest.raises(MissingFile, match=f'{tmp_path}.* holds no {expected}') as caught:
        convert(tmp_path / 'nowhere')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('with_statistics', [True, False])
@pytest.mark.parametrize('content', ['label ids', 'nothing'])
def test_what_another_program_left_is_converted_again(gta_raw, content, with_statistics):
    convert_gta(gta_raw)
    output = gta_raw / 'labels' / '00001_labelTrainIds.png'
    expected, made = ids_of(output), output.stat().st_mtime
    if content == 'nothing':
        output.write_bytes(b'')
    else:
        write_ids(output, np.full((32, 64), 23))
    os.utime(output, (made, made))
    if not with_statistics:
        (gta_raw / 'sample_class_stats.json').unlink()
    elif content == 'label ids':
        statistics = load_class_statistics(gta_raw)
        statistics['labels/00001_labelTrainIds.png'] = {23: 32 * 64}
        save_class_statistics(gta_raw, statistics)
    assert convert_gta(gta_raw).converted == 1
    assert np.array_equal(ids_of(output), expected)


def test_linked_folders_are_converted_and_hidden_files_are_not(cityscapes_raw, tmp_path):
    city = next((cityscapes_raw / 'gtFine/train').iterdir())
    city.rename(tmp_path / 'elsewhere')
    city.symlink_to(tmp_path / 'elsewhere')
    (cityscapes_raw / 'gtFine/train/._x_gtFine_labelIds.png').write_bytes(b'of macOS')
    result = convert_cityscapes(cityscapes_raw)
    assert result.failures == []
    assert any(f'/{city.name}/' in file for file in result.statistics)


def test_half_written_files_of_killed_runs_are_removed(gta_raw):
    part = gta_raw / 'labels' / '00001_labelTrainIds.png.part-elsewhere-1'
    part.touch()
    os.utime(part, (0, 0))
    convert_gta(gta_raw)
    assert not part.exists()
