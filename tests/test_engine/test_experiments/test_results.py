import json
import math

import pytest
from mmcv import Config

from mmseg_ssr.engine.experiments.results import (
    Runs,
    as_dict,
    differences,
    markdown,
    published_difference,
    read_run,
    summary,
)
from mmseg_ssr.errors import DataError

CFG = Config(dict(optimizer=dict(lr=0.5)))


def run(miou, **classes):
    return {'mIoU': miou, **{f'IoU.{name}': value for name, value in classes.items()}}


BASE = Runs('base', {0: run(60., road=90., train=10.), 1: run(62., road=92., train=30.),
                     2: run(70., road=91., train=math.nan)}, published=65.0)
BETTER = Runs('better', {0: run(63., road=93.), 1: run(63., road=93.)}, {2: 'unfinished'},
              published=64.5, baseline='base', source='a paper', note='on another split')
NEW = Runs('new', {}, {0: 'not run', 1: 'not run', 2: 'other config'}, baseline='base')
TABLE = [BASE, BETTER, NEW]


def write(folder, **result):
    folder.mkdir(exist_ok=True)
    (folder / 'result.json').write_text(json.dumps(result))


def test_mean_deviation_and_interval():
    found = summary([60., 62., 70.])
    assert found.count == 3 and found.mean == 64
    assert found.std == pytest.approx(math.sqrt((16 + 4 + 36) / 2))
    assert found.interval == pytest.approx(4.303 * found.std / math.sqrt(3), rel=1e-4)
    assert summary([7.]) == (1, 7., None, None)
    assert summary([]) is None


def test_differences_pair_the_seeds_that_both_have():
    assert differences(BETTER, BASE) == {0: 3., 1: 1.}
    assert differences(NEW, BASE) == {}


def test_a_score_that_is_not_a_number_is_left_out():
    assert BASE.values('IoU.train') == {0: 10., 1: 30.}
    assert BASE.values('IoU.sky') == {}


def test_markdown():
    # Differences 3 and 1: mean 2, deviation sqrt(2), interval 12.706 * sqrt(2) / sqrt(2).
    assert markdown('t: A table', TABLE).splitlines() == [
        '## t: A table', '',
        '| row | metric | published | measured | std | measured - published | seeds |',
        '| --- | --- | --- | --- | --- | --- | --- |',
        '| base | mIoU | 65.0 | 64.00 | 5.29 | -1.00 | 0, 1, 2 |',
        '| better | mIoU | 64.5 | 63.00 | 0.00 | -1.50 | 0, 1 |',
        '| new | mIoU | - | - | - | - | - |', '',
        '- better: published in a paper.',
        '- better: on another split.', '',
        '| difference | published | by seed | mean | 95 % t interval |',
        '| --- | --- | --- | --- | --- |',
        '| better - base | -0.5 | 0: +3.00, 1: +1.00 | +2.00 | -10.71 to +14.71 |', '',
        '| IoU | base | better |',
        '| --- | --- | --- |',
        '| road | 91.00 ± 1.00 | 93.00 ± 0.00 |',
        '| train | 20.00 ± 14.14 | - |', '',
        'Missing:', '',
        '- better: seed 2 (unfinished)',
        '- new: seeds 0, 1 (not run)',
        '- new: seed 2 (other config)']


def test_markdown_of_a_whole_and_of_an_empty_table():
    one = Runs('one', {5: dict(mIoU=40., mIoU16=50.)}, metric='mIoU16', published=49.0)
    assert '| one | mIoU16 | 49.0 | 50.00 | - | +1.00 | 5 |' in markdown('t', [one])
    assert 'No run is missing.' in markdown('t', [one])
    assert '| difference' not in markdown('t', [NEW]) and '| IoU |' not in markdown('t', [NEW])


def test_published_classes_stand_beside_the_measured_ones():
    known = BASE._replace(classes=dict(road=95.74))
    assert '| IoU (published) | base |\n| --- | --- |\n| road | 91.00 ± 1.00 (95.7) |\n' \
        '| train | 20.00 ± 14.14 |\n' in markdown('t', [known])
    assert as_dict([known])[0]['classes'] == dict(road=95.74)


def test_rows_are_compared_by_their_own_metrics_and_not_with_themselves():
    scores = {'mIoU': 10., 'mIoU16': 20., '1_mIoU': 45.}
    base = Runs('base', {0: scores}, metric='1_mIoU', baseline='base')
    other = Runs('other', {0: dict(mIoU=10., mIoU16=50.)}, metric='mIoU16', baseline='base')
    assert differences(other, base) == {0: 5.}
    assert 'base - base' not in markdown('t', [base, other])


def test_the_published_gain_stands_beside_the_measured_one():
    base = Runs('base', {}, published=68.3)
    better = Runs('better', {}, published=69.3, baseline='base')
    other = Runs('other', {0: run(60.)}, baseline='base')
    assert published_difference(better, base) == 1.0
    assert published_difference(other, base) is None
    assert '| better - base | +1.0 | - | - | - |' in markdown('t', [better], [base, better])
    base = base._replace(scores={0: run(59.)})
    assert '| other - base | - | 0: +1.00 | +1.00 | - |' in markdown('t', [base, other])
    assert [row['published_difference'] for row in as_dict([base, better])] == [None, 1.0]


def test_published_numbers_keep_their_decimals():
    base, better = Runs('base', {}, published=56.5), Runs('better', {}, published=57.21,
                                                          baseline='base')
    text = markdown('t', [base, better])
    assert '| better | mIoU | 57.21 | - |' in text and '| base | mIoU | 56.5 | - |' in text
    assert '| better - base | +0.71 |' in text


def test_the_classes_of_a_row_are_those_of_its_metric():
    scores = {'mIoU': 50., 'IoU.road': 51., '1_mIoU': 60., '1_IoU.road': 61., '10_IoU.road': 7.}
    rows = [Runs('all', {0: scores}), Runs('one', {0: scores}, metric='1_mIoU')]
    assert '| IoU | all | one |\n| --- | --- | --- |\n| road | 51.00 | 61.00 |\n' in markdown(
        't', rows)
    sixteen = Runs('one', {0: scores}, metric='mIoU16', classes=dict(road=50.04))
    assert '| road | 51.00 (50.0) |' in markdown('t', [sixteen])


def test_json_holds_what_the_markdown_shows():
    base, better, new = json.loads(json.dumps(as_dict(TABLE), allow_nan=False))
    assert base['measured']['mIoU']['mean'] == 64 and base['measured']['mIoU']['count'] == 3
    assert base['measured']['IoU.train']['seeds'] == {'0': 10., '1': 30.}
    assert base['difference'] is None and base['published'] == 65
    assert better['differences'] == {'0': 3., '1': 1.} and better['difference']['mean'] == 2
    assert new['measured'] == {} and new['missing']['2'] == 'other config'


def test_a_finished_run_is_read(tmp_path):
    folder = tmp_path / 'run'
    assert read_run(str(folder), CFG, 'mIoU') == (None, 'not run')
    write(folder, config=CFG.pretty_text, scores={'mIoU': 50.5})
    assert read_run(str(folder), CFG, 'mIoU') == ({'mIoU': 50.5}, '')
    with pytest.raises(DataError, match='result.json holds no score mIoU16'):
        read_run(str(folder), CFG, 'mIoU16')


def test_runs_that_do_not_count(tmp_path):
    write(tmp_path, config='lr=7', scores={'mIoU': 50.5})
    assert read_run(str(tmp_path), CFG, 'mIoU') == (None, 'other config')
    (tmp_path / 'result.json').unlink()
    (tmp_path / 'iter_2.pth').write_bytes(b'')
    assert read_run(str(tmp_path), CFG, 'mIoU') == (None, 'unfinished')
