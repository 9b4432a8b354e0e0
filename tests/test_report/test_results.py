"""The page of a table of experiments, and the command that writes it."""
import json
import os
import re

import pytest
import torch

from mmseg_ssr import experiments
from mmseg_ssr.commands.runs import results as command
from mmseg_ssr.commands.runs.jobs import Job
from mmseg_ssr.engine.experiments.results import Runs
from mmseg_ssr.report.results import write_results

CPU = torch.device('cpu')
BASE = Runs('base', {0: {'mIoU': 60., 'IoU.road': 90.}, 1: {'mIoU': 62., 'IoU.road': 92.}},
            published=65., classes={'road': 93.})
BETTER = Runs('better', {0: {'mIoU': 63., 'IoU.road': 94.}}, {1: 'unfinished'}, baseline='base')
NEW = Runs('<b>new</b>', {}, {0: 'not run', 1: 'not run'}, baseline='base',
           note='on <i>another</i> split')
TABLE = [BASE, BETTER, NEW]


@pytest.fixture
def written(tmp_path, read_page):
    """Writes the page of a table: ``written(table, folders)`` -> the page."""

    def write(table=TABLE, folders=(), images=2):
        path = tmp_path / 'page.html'
        write_results(str(path), 't: A <table>', 'a & b', table, table, dict(folders), CPU, images)
        return read_page(path)

    return write


def test_numbers_alone_are_a_page(written):
    page = written()
    assert page.faults == [] and page.images == []
    assert page.links == page.ids == ['score', 'classes', 'left-out']
    assert [row[:4] for row in page.cells('row')] == [
        ['base', 'mIoU', '65.0', '61.00'], ['better', 'mIoU', '-', '63.00'],
        ['&lt;b&gt;new&lt;/b&gt;', 'mIoU', '-', '-']]
    assert page.cells('difference')[0][:4] == ['better - base', '-', '0: +3.00', '+3.00']
    text = page.text
    assert '± 1.41, 2 seeds' in text and 'published 65.0' in text and '2 of 2 runs missing' in text
    road, = re.findall(r'<h3>road</h3>.*?</div>\s*</div>', text, re.S)
    assert re.findall(r'<b>(.*?)</b><small>(.*?)</small>', road) == [
        ('91.0', ''), ('94.0', '+3.0'), ('-', '')]
    assert 'left: 93.0%' in road  # the tick of the published IoU
    assert 'better: seed 1 (unfinished)' in text.split('id="left-out"')[1]
    assert '&lt;i&gt;another&lt;/i&gt; split' in text and 'a &amp; b' in text


def test_a_table_without_a_result(written):
    page = written([NEW])
    assert page.faults == [] and page.ids == ['score', 'left-out']


def test_the_classes_are_those_of_the_metric(written):
    scores = {'1_mIoU': 50., '1_IoU.road': 70., '0_mIoU': 40., '0_IoU.road': 30., 'IoU.road': 50.}
    page = written([Runs('a', {0: scores}, metric='1_mIoU')])
    assert page.text.count('<b>70.0</b>') == 1
    assert '<b>30.0</b>' not in page.text and '<b>50.0</b>' not in page.text


def test_long_names_break_between_words(written):
    page = written([BASE, BASE._replace(name='daformer_<b>_maps')])
    assert page.faults == []
    assert '<span>daformer_<wbr>&lt;b&gt;_<wbr>maps</span>' in page.text


def test_pictures_of_the_runs_that_are_here(written, runs, tmp_path):
    (tmp_path / 'elsewhere').mkdir()
    page = written(folders={'base': str(runs.source_only), 'better': str(tmp_path / 'elsewhere'),
                            '"><b>last': str(runs.ssr)})
    assert page.faults == [] and page.ids == ['score', 'classes', 'pictures', 'left-out']
    assert len(page.by_section['pictures']) == 2 * 4  # two images: photograph, truth and two runs
    assert "by the image's mIoU of &#34;&gt;&lt;b&gt;last" in page.text
    lines = [line for line in re.findall('<li>(.*?)</li>', page.text.split('id="left-out"')[1])
             if 'pictures' in line]
    assert len(lines) == 1 and lines[0].startswith('better, pictures: ')
    assert 'holds neither the log' in lines[0]


def test_no_image_is_read_where_none_is_asked_for(written, runs, monkeypatch):
    monkeypatch.setattr('mmseg_ssr.report.results.compare', None)
    page = written(folders=dict(base=str(runs.ssr)), images=0)
    assert page.images == [] and 'pictures: not asked for' in page.text


def test_an_error_leaves_the_page_that_is_there(tmp_path, monkeypatch):
    path = tmp_path / 'page.html'
    path.write_text('before')

    def full(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.fsync', full)
    monkeypatch.setattr('os.replace', full)
    with pytest.raises(Exception, match='No space left on device'):
        write_results(str(path), 't', '', TABLE, TABLE, {}, CPU, 0)
    assert path.read_text() == 'before' and os.listdir(tmp_path) == ['page.html']


@pytest.fixture
def table(runs, tmp_path, monkeypatch):
    """An experiment 'tiny' whose first row has a run, and whose second has none."""
    monkeypatch.chdir(tmp_path)
    rows = [experiments.Row(name, f'{folder}.py', seeds=(0, 1)) for name, folder in (
        ('source_only', runs.source_only), ('ssr', runs.ssr))]
    monkeypatch.setattr(experiments, 'EXPERIMENTS', [
        experiments.Experiment('tiny', 'Two rows', 'a test', tuple(rows), baseline='source_only')])
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work' / 'source_only_s1').symlink_to(runs.source_only)
    return ['tiny', '--work-dir', 'work', '--device', 'cpu', '--images', '1']


def test_the_command_writes_it(table, tmp_path, read_page, runs, capsys):
    command.main([*table, '--page', 'page.html'])
    assert capsys.readouterr().out.endswith('- ssr: seeds 0, 1 (not run)\n')
    page = read_page(tmp_path / 'page.html')
    score = json.loads((runs.source_only / 'result.json').read_text())['mIoU']
    assert page.cells('row')[0][3] == f'{score:.2f}' and page.cells('row')[1][3] == '-'
    assert len(page.by_section['pictures']) == 3


def test_options_that_fit_the_chosen_rows_alone(table, capsys):
    command.main([*table, '--rows', 'ssr', '--cfg-options', 'uda.regularizer.stages=[0]'])
    assert '| source_only' not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main([*table, '--cfg-options', 'uda.regularizer.stages=[0]'])
    assert 'uda.regularizer' in capsys.readouterr().err


def test_wrong_options_of_the_command(table, capsys):
    for options, message in (
            (['--page', 'no/page.html'], '--page no/page.html: there is no folder no'),
            (['--images', '-1'], '--images must be at least 0, got -1')):
        with pytest.raises(SystemExit) as end:
            command.main([*table, *options])
        assert end.value.code == 2
        assert capsys.readouterr().err == f'error: {message}\n'


@pytest.mark.parametrize('better, expected', [
    ({1: {}, 2: {}}, {'base, seed 1': 'base_1', 'better, seed 1': 'better_1'}),
    ({2: {}}, {'base, seed 0': 'base_0', 'better, seed 2': 'better_2'}),
    ({}, {'base, seed 0': 'base_0'})])
def test_pictures_are_of_a_seed_that_all_rows_have_if_there_is_one(better, expected):
    table = [Runs('base', {0: {}, 1: {}}), Runs('better', better)]
    jobs = [Job('', {}, seed, f'{name}_{seed}', None, row=experiments.Row(name, ''))
            for name in ('base', 'better') for seed in range(3)]
    assert command.shown_runs(table, jobs) == expected
