"""The command: its output, its JSON file, and what it says of wrong arguments."""
import inspect
import json
import os

import pytest

from mmseg_ssr.benchmark.report import Report

TOOL = 'benchmark'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_figures_are_printed_and_written(tool, tmp_path, capsys):
    path = tmp_path / 'figures.json'
    tool(TOOL).main(['eval', '--small', '--workers', '0', '--repeats', '1', '--threads', '1',
                     '--device', 'cpu', '--json', str(path)])
    printed = capsys.readouterr().out
    assert '| evaluation, mmseg_ssr, 0 workers |' in printed and 'torch 2' in printed
    assert f'written to {path}' in printed
    record = json.loads(path.read_text())
    assert set(record) == {'cases', 'machine', 'versions', 'date', 'settings', 'command'}
    assert record['command'][0] == 'eval' and record['settings']['repeats'] == 1
    for case in record['cases'].values():
        assert case['items_per_second'] == case['items'] / case['seconds'] > 0
    assert record['cases']['counts, mmseg']['speed_ratio'] == 1


def test_evaluation_without_peers(tool, capsys):
    tool(TOOL).main(['eval', '--small', '--no-peers', '--workers', '0', '1', '--repeats', '1',
                     '--threads', '1', '--device', 'cpu'])
    rows = [line.split('|')[1:-1] for line in capsys.readouterr().out.splitlines()
            if line.startswith('| ') and 'mmseg_ssr' in line]
    assert [row[0].strip() for row in rows] == ['counts, mmseg_ssr', *(
        f'evaluation, mmseg_ssr, {workers} workers' for workers in (0, 1))]
    assert [row[-1].strip() for row in rows[:2]] == ['1x', '1x']  # the first of each table
    assert os.listdir() == []


def test_a_card_has_a_file_of_figures_and_a_page(tool, capsys):
    arguments = ['gpu', '--only', 'rates', '--small', '--device', 'cpu', '--threads', '1']
    tool(TOOL).main([*arguments, '--repeats', '1'])
    assert sorted(os.listdir()) == ['gpu.json', 'gpu.md']
    page = open('gpu.md').read()
    assert 'median of 1' in page.splitlines()[0] and '**Matrix products**' in page
    assert page.strip() in capsys.readouterr().out
    assert set(json.loads(open('gpu.json').read())['pieces']) == {'rates'}


def test_the_page_of_a_card_does_not_take_the_place_of_its_figures(fails):
    assert fails(TOOL, 'gpu', '--json', 'figures.md') == (
        'error: --json figures.md: the tables are written there, give a .json')


@pytest.mark.parametrize('words, expected', [
    ('step --no-parts --sam-size 256 --crop 64', dict(parts=False, sam_size=256, crop=64)),
    ('step --reference SSR --config a.py --methods', dict(reference='SSR', methods=['a.py'])),
    ('encoder --sam-batch 3 --sizes 64 128', dict(sam_batch=3, sam_sizes=[64, 128])),
    ('inference --image-batch 4 --checkpoint c.pth', dict(images=4, checkpoint='c.pth')),
    ('inference --small --ways whole', dict(sizes=[(128, 64)], ways=['whole'], small=True)),
    ('data --image-size 64x32 --images 5 --batches 7',
     dict(image_size=(64, 32), images=5, batches=7)),
    ('eval --calls 4 --repeats 2 --threads 1', dict(calls=4, repeats=2, threads=1)),
    ('scale --images 20 10 --parts images', dict(images=[10, 20], parts=['images'])),
    ('gpu --small --minutes 3', dict(minutes=3., path='gpu.json', reference=None))])
def test_options_reach_what_is_measured(tool, monkeypatch, words, expected):
    """By the name of the argument, or of the field of an argument."""
    seen, command = {}, words.split()[0]
    measure = inspect.signature(getattr(tool(TOOL), f'benchmark_{command}'))

    def measured(*args, **kwargs):
        values = measure.bind(*args, **kwargs).arguments
        for value in [values, *values.values()]:
            seen.update(value if isinstance(value, dict) else getattr(value, '__dict__', {}) or
                        getattr(value, '_asdict', dict)())
        seen.update(seen['options'].size._asdict() if 'options' in seen else {})
        return Report()

    monkeypatch.setattr(tool(TOOL), f'benchmark_{command}', measured)
    tool(TOOL).main([*words.split(), '--device', 'cpu', '--json', 'gpu.json'])
    assert {name: seen[name] for name in expected} == expected


def test_missing_folder_is_told_before_anything_runs(fails):
    error = fails(TOOL, 'eval', '--json', 'none/x.json')
    assert error == 'error: --json none/x.json: there is no folder none'


@pytest.mark.parametrize('command', ['eval', 'gpu'])
def test_a_folder_is_no_file_of_figures(fails, command):
    assert fails(TOOL, command, '--json', '.') == (
        'error: --json . is a folder: name a file in it')


def test_unknown_mode(fails):
    assert "unknown mode joimt, did you mean 'joint'?" in fails(TOOL, 'step', '--modes', 'joimt')


def test_unknown_device(fails):
    assert '--device tpu' in fails(TOOL, 'step', '--device', 'tpu')


@pytest.mark.parametrize('arguments', [
    ['eval', '--repeats', '0'], ['gpu', '--minutes', 'nan'], ['gpu', '--minutes', '0'],
    ['inference', '--sizes', '512'], ['speed'], []])
def test_wrong_arguments(tool, arguments, capsys):
    with pytest.raises(SystemExit) as end:
        tool(TOOL).main(arguments)
    assert end.value.code == 2 and 'error: ' in capsys.readouterr().err


@pytest.mark.parametrize('command', ['data', 'eval'])
def test_negative_number_of_workers(tool, command, capsys):
    with pytest.raises(SystemExit) as end:
        tool(TOOL).main([command, '--workers', '0', '-1'])
    assert end.value.code == 2
    assert '--workers: must be a whole number of at least 0, got -1' in capsys.readouterr().err
