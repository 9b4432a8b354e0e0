import json
import os

import pytest
import tiny_training

TOOL = 'report'


@pytest.fixture
def logged(tmp_path):
    """Folder of a training of which the log alone is left."""
    folder = tmp_path / 'logged'
    folder.mkdir()
    records = [dict(seed=0), dict(mode='train', iter=2, lr=.1, loss=1.5, time=.2),
               dict(mode='val', iter=2, mIoU=.5, **{'IoU.road': .5})]
    (folder / '20261121_095605.log.json').write_text(
        ''.join(json.dumps(record) + '\n' for record in records))
    return folder


def test_a_page_is_written(tool, logged, tmp_path, capsys):
    tool(TOOL).main([str(logged), '--device', 'cpu'])
    assert capsys.readouterr().out == f'{logged}/report.html\n'
    tool(TOOL).main([str(logged), '--out', str(tmp_path / 'page.html'), '--images', '0'])
    assert (tmp_path / 'page.html').read_text().startswith('<!DOCTYPE html>')


def test_bad_arguments(fails, logged, tmp_path):
    assert '--images must be at least 0, got -1' in fails(TOOL, logged, '--images', '-1')
    assert 'holds neither the log' in fails(TOOL, tmp_path)
    assert 'is no folder' in fails(TOOL, logged, tmp_path / 'nowhere')


def test_a_training_ends_with_its_report(tool, data, config_file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sections = tiny_training.method_config(data, 1, source_only=True)
    del sections['report']  # which is what users do
    tool('scripts.train').main([config_file(sections), '--work-dir', 'run', '--device', 'cpu'])
    assert f'report {os.path.join("run", "report.html")}' in capsys.readouterr().out
    text = (tmp_path / 'run' / 'report.html').read_text()
    assert 'confusion matrix' in text and 'best: ' in text and 'worst: ' in text


def test_an_experiment_ends_with_a_page_about_all_its_runs(tool, data, config_file, tmp_path,
                                                           monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sections = tiny_training.method_config(data, 1, source_only=True)
    path = config_file(dict(sections, report=dict(images=0)))
    table = tool('scripts.run_experiments')
    from mmseg_ssr import experiments
    monkeypatch.setattr(experiments, 'EXPERIMENTS', [experiments.Experiment(
        'tiny', 'One row', 'a test', (experiments.Row('row', path, seeds=(1, 2)), ))])
    page = os.path.join('work_dirs', 'tiny', 'report.html')
    table.main(['--exp', 'tiny', '--device', 'cpu'])
    assert f'report of all runs {page}' in capsys.readouterr().out
    assert (tmp_path / page).read_text().count('<td>source-only</td>') == 2
    table.main(['--exp', 'tiny', '--device', 'cpu'])  # all is finished
    assert 'report' not in capsys.readouterr().out
