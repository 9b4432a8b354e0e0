import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_training
import torch

from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.on_device import OnDevice

TOOL = 'scripts.run_experiments'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small(data, config_file):
    """Config file of a training of two iterations on the source."""
    return config_file(tiny_training.method_config(data, 2, source_only=True), 'small.py')


@pytest.fixture
def table(tool, small, monkeypatch):
    """An experiment 'tiny' of two rows."""
    from mmseg_ssr import experiments
    tiny = experiments.Experiment('tiny', 'Two rows', 'a test', (
        experiments.Row('fast', small, seeds=(1, 2), overrides={'optimizer.lr': 0.01}),
        experiments.Row('slow', small, seeds=(1, ), published=12.3)))
    monkeypatch.setattr(experiments, 'EXPERIMENTS', [tiny])
    return tiny


def run(tool, *arguments):
    tool(TOOL).main([str(argument) for argument in arguments])


def test_a_config_is_trained_tested_and_reported(tool, small, capsys, tmp_path):
    before = sorted(os.listdir(os.path.dirname(small)))
    run(tool, '--config', small)
    output = capsys.readouterr().out
    folder = tmp_path / 'work_dirs' / 'local' / 'small'
    result = json.loads((folder / 'result.json').read_text())
    assert f'mIoU {result["mIoU"]:.2f}' in output and 'iter_2.pth' in output
    assert (folder / 'config.py').exists()
    assert sorted(os.listdir(os.path.dirname(small))) == sorted([*before, 'work_dirs'])


def test_a_second_run_gets_a_folder_of_its_own(tool, small, capsys, tmp_path):
    for _ in range(3):
        run(tool, '--config', small)
    assert sorted(os.listdir(tmp_path / 'work_dirs' / 'local')) == ['small', 'small_2', 'small_3']
    assert 'holds a run already' in capsys.readouterr().out


def test_a_given_folder_is_not_overwritten(tool, small, fails):
    run(tool, '--config', small, '--work-dir', 'mine')
    assert '--work-dir mine holds another run already' in fails(
        TOOL, '--config', small, '--work-dir', 'mine')


@pytest.mark.parametrize('option, message', [
    ('uda.stop_stage=[0,5]', 'uda.stop_stage must be some of [0, 1, 2, 3], got [0, 5]'),
    ('model.decode_head.in_index=[0,1,2]', 'cannot be built')])
def test_a_dry_run_finds_the_faults_of_the_config_without_sam(data, tool, config_file, fails,
                                                              option, message):
    path = config_file(tiny_training.method_config(
        data, 2, type='SSR', sam_model_registry='vit_b', sam_checkpoint='nowhere.pth'))
    run(tool, '--config', path, '--dry-run')
    assert message in fails(TOOL, '--config', path, '--dry-run', '--cfg-options', option)


def test_a_killed_run_goes_on(tool, data, config_file, tmp_path, capsys):
    sections = tiny_training.method_config(data, 4)
    path = config_file(sections)
    run(tool, '--config', path, '--work-dir', 'whole')
    os.makedirs('cut')
    os.rename('whole/iter_2.pth', 'cut/iter_2.pth')
    run(tool, '--config', path, '--work-dir', 'cut', '--resume-from')
    one, other = (read_checkpoint(f'{name}/iter_4.pth')['state_dict'] for name in ('whole', 'cut'))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_options_seed_and_weights_reach_the_training(tool, small):
    run(tool, '--config', small, '--work-dir', 'a', '--seed', '7', '--cfg-options',
        'optimizer.lr=0.0', 'uda.alpha=0.5')
    run(tool, '--config', small, '--work-dir', 'b', '--load-from', 'a/latest.pth', '--cfg-options',
        'optimizer.lr=0.0')
    a, b = read_checkpoint('a/latest.pth'), read_checkpoint('b/latest.pth')
    assert a['meta']['seed'] == 7 and 'alpha=0.5' in a['meta']['config']
    weight = 'decode_head.conv_seg.weight'
    assert torch.equal(a['state_dict'][weight], b['state_dict'][weight])


def test_the_startup_test_leaves_nothing(tool, small, capsys, tmp_path):
    run(tool, '--config', small, '--startup-test')
    assert 'startup test of' in capsys.readouterr().out
    assert [str(path) for path in tmp_path.rglob('*.pth')] == []


def test_a_killed_startup_test_cleans_up(small, tmp_path):
    process = subprocess.Popen(
        [sys.executable, str(tiny_training.ROOT / 'run_experiments.py'), '--config', small,
         '--startup-test'],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started = tmp_path / 'work_dirs'
    for _ in range(600):
        if process.poll() is not None or (started.is_dir() and os.listdir(started)):
            break
        time.sleep(0.1)
    assert os.listdir(started)
    process.terminate()
    assert process.wait(60) == 143
    assert os.listdir(started) == []


def test_a_dry_run_prints_the_jobs_and_makes_nothing(tool, table, small, capsys, tmp_path):
    run(tool, '--exp', 'tiny', '--dry-run')
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f'work_dirs/tiny/{name}: {small}{options}, seed {seed}, 2 iterations, new'
        for name, options, seed in (('fast_s1', ' optimizer.lr=0.01', 1),
                                    ('fast_s2', ' optimizer.lr=0.01', 2), ('slow_s1', '', 1))]
    assert not (tmp_path / 'work_dirs').exists()


def test_rows_by_name(tool, table, fails, capsys):
    run(tool, '--exp', 'tiny', '--rows', 'slow', '--dry-run')
    assert capsys.readouterr().out.count('work_dirs/tiny/') == 1
    run(tool, '--exp', 'tiny', '--rows', 'slow', '--results')
    output = capsys.readouterr().out
    assert '- slow: seed 1 (not run)' in output and 'fast' not in output
    assert "--rows slo: tiny has no such row, did you mean 'slow'?" in fails(
        TOOL, '--exp', 'tiny', '--rows', 'slo')


def test_a_table_is_run_and_finished_jobs_are_not_repeated(tool, table, capsys, tmp_path):
    run(tool, '--exp', 'tiny', '--seed', '1')
    output = capsys.readouterr().out
    assert 'job 2 of 2' in output and '(published: 12.3)' in output
    stamp = os.stat('work_dirs/tiny/fast_s1/iter_2.pth').st_mtime_ns
    run(tool, '--exp', 'tiny')
    output = capsys.readouterr().out
    assert output.count('is finished') == 2 and 'fast_s2' in output
    assert os.stat('work_dirs/tiny/fast_s1/iter_2.pth').st_mtime_ns == stamp
    lr = {name: read_checkpoint(f'work_dirs/tiny/{name}/latest.pth')['meta']['config']
          for name in ('fast_s1', 'slow_s1')}
    assert 'lr=0.01' in lr['fast_s1'] and 'lr=0.001' in lr['slow_s1']


def test_rows_of_one_training_read_its_scores(tool, small, monkeypatch, capsys):
    """As the rows of DACS and of DACS with corrected predictions do."""
    from mmseg_ssr import experiments
    shift = {'label_shift': True}
    monkeypatch.setattr(experiments, 'EXPERIMENTS', [experiments.Experiment(
        'tiny', 'One training', 'a test', (
            experiments.Row('plain', small, 57.8, (1, ), shift, run='both'),
            experiments.Row('shifted', small, 59.3, (1, ), shift, 'label-shift_mIoU', run='both')),
        baseline='plain')])
    run(tool, '--exp', 'tiny', '--dry-run')
    assert capsys.readouterr().out.count('both_s1') == 1
    run(tool, '--exp', 'tiny')
    output = capsys.readouterr().out
    scores = json.loads(open('work_dirs/tiny/both_s1/result.json').read())['scores']
    assert os.listdir('work_dirs/tiny') == ['both_s1'] and output.count(' is finished') == 1
    assert f'\nmIoU {scores["mIoU"]:.2f} (published: 57.8)\n' in output
    assert f'\nlabel-shift_mIoU {scores["label-shift_mIoU"]:.2f} (published: 59.3)\n' in output
    run(tool, '--exp', 'tiny', '--results')
    output = capsys.readouterr().out
    gain = scores['label-shift_mIoU'] - scores['mIoU']
    assert f'| shifted - plain | +1.5 | 1: {gain:+.2f} | {gain:+.2f} | - |' in output
    assert '-shift_' not in output.partition('| IoU')[2] and 'No run is missing.' in output


def test_a_begun_job_is_resumed(tool, table, capsys):
    run(tool, '--exp', 'tiny', '--seed', '1')
    os.remove('work_dirs/tiny/slow_s1/result.json')
    run(tool, '--exp', 'tiny', '--seed', '1', '--dry-run')
    assert 'slow_s1' in capsys.readouterr().out.splitlines()[-1]
    run(tool, '--exp', 'tiny', '--seed', '1')
    logs = [open(f'work_dirs/tiny/slow_s1/{name}').read()
            for name in os.listdir('work_dirs/tiny/slow_s1') if name.endswith('.log')]
    assert any('resumed from' in log for log in logs)


def test_results_are_printed_beside_published_ones(tool, table, small, capsys, tmp_path):
    cfg = load_config(small, {'optimizer.lr': 0.01})
    for seed, miou in ((1, 30.0), (2, 32.0)):
        folder = tmp_path / 'work_dirs' / 'tiny' / f'fast_s{seed}'
        folder.mkdir(parents=True)
        (folder / 'result.json').write_text(json.dumps(
            dict(config=cfg.pretty_text, scores={'mIoU': miou, 'IoU.road': miou + 1})))
    run(tool, '--exp', 'tiny', '--results', '--json', 'all.json')
    lines = capsys.readouterr().out.splitlines()
    assert '| fast | mIoU | - | 31.00 | 1.41 | - | 1, 2 |' in lines
    assert '| slow | mIoU | 12.3 | - | - | - | - |' in lines
    assert '| road | 32.00 ± 1.41 |' in lines and '- slow: seed 1 (not run)' in lines
    fast, slow = json.loads((tmp_path / 'all.json').read_text())['rows']
    assert fast['measured']['mIoU']['mean'] == 31 and slow['missing'] == {'1': 'not run'}
    assert sorted(os.listdir(tmp_path / 'work_dirs' / 'tiny')) == ['fast_s1', 'fast_s2']


def test_a_finished_run_without_its_score_is_named(table, small, fails):
    cfg, folder = load_config(small, {'optimizer.lr': 0.01}), Path('work_dirs/tiny/fast_s1')
    folder.mkdir(parents=True)
    (folder / 'result.json').write_text(json.dumps(dict(config=cfg.pretty_text)))
    assert f'{folder}/result.json holds no score mIoU, which its row' in fails(
        TOOL, '--exp', 'tiny', '--rows', 'fast', '--seed', '1')


def test_a_signal_stops_the_table(tool, table, monkeypatch, capsys):
    steps, real = [], OnDevice.train_step

    def told(*args, **kwargs):
        steps.append(args)
        if len(steps) == 3:  # the first iteration of the second job
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*args, **kwargs)

    monkeypatch.setattr(OnDevice, 'train_step', told)
    with pytest.raises(SystemExit) as end:
        run(tool, '--exp', 'tiny')
    shown = capsys.readouterr()
    assert end.value.code == 143 and len(steps) == 3
    assert 'job 2 of 3' in shown.out and 'job 3' not in shown.out
    assert shown.err.splitlines()[-1].endswith(' --exp tiny')
    run(tool, '--exp', 'tiny')
    assert 'job 3 of 3' in capsys.readouterr().out and len(steps) == 6


def test_the_list_names_configs_and_published_numbers(tool, capsys):
    with pytest.raises(SystemExit) as end:
        run(tool, '--list')
    assert end.value.code == 0
    output = capsys.readouterr().out
    for text in ('configs/sam/daformer_sam_vit_b.py uda.stop_stage=[0, 1, 2]',
                 'published mIoU 68.3', 'published mIoU 70.6', 'published mIoU16 60.9',
                 'ssr-stages', 'demo', '=== SYNTHIA -> Cityscapes ==='):
        assert text in output


@pytest.mark.parametrize('arguments, message', [
    (['--exp', 'ssr-stage'], "there is no such table, did you mean 'ssr-stages'"),
    (['--exp', 'zzz'], '--list shows them'),
    (['--config', 'x.py', '--startup-test', '--work-dir', 'x'], 'no effect with --startup-test'),
    (['--config', 'x.py', '--load-from', 'no.pth', '--dry-run'], '--load-from no.pth is missing'),
    (['--exp', 'demo', '--results', '--json', 'no/x.json'], 'there is no folder no'),
    (['--config', 'nowhere.py'], 'config file nowhere.py is missing'),
])
def test_wrong_arguments(fails, arguments, message):
    assert message in fails(TOOL, *arguments)


@pytest.mark.parametrize('arguments, message', [
    (['--exp', 'demo', '--resume-from', 'x'], 'unrecognized arguments: --resume-from x'),
    (['--config', 'x.py', '--results'], 'unrecognized arguments: --results'),
    (['--config', 'x.py', '--rows', 'a'], 'unrecognized arguments: --rows a'),
    (['--exp', 'demo', '--results', '--dry-run'], 'unrecognized arguments: --dry-run'),
    (['--exp', 'demo', '--json', 'x.json'], 'unrecognized arguments: --json x.json'),
    (['--config', 'x.py', '--startup-test', '--dry-run'], 'not allowed with argument'),
    (['--config', 'x.py', '--seed', '-1'], '--seed: must be an integer of at least 0, got -1'),
    (['--config', 'x.py', '--exp', 'demo'], 'not allowed with argument'),
    (['--seed', '1'], 'expected --config FILE, --exp ID or --list, which --seed 1 is not')])
def test_options_of_another_command_are_refused(tool, capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        run(tool, *arguments)
    assert end.value.code == 2 and message in capsys.readouterr().err


def test_the_weights_that_it_starts_from_are_a_part_of_the_config(tool, small, table, capsys):
    run(tool, '--config', small, '--work-dir', 'start')
    run(tool, '--exp', 'tiny', '--rows', 'slow')
    start = os.path.join('start', 'latest.pth')
    options = ['--exp', 'tiny', '--rows', 'slow', '--dry-run']
    capsys.readouterr()
    run(tool, *options)
    assert capsys.readouterr().out.endswith('finished\n')
    run(tool, *options, '--load-from', start)
    assert not capsys.readouterr().out.endswith('finished\n')
    run(tool, '--config', small, '--work-dir', 'second', '--load-from', start)
    assert load_config(os.path.join('second', 'config.py')).load_from == start
    run(tool, '--config', small, '--work-dir', 'second', '--resume-from')  # it has begun


def test_rows_are_compared_with_a_baseline_that_was_not_chosen(tool, table, capsys, monkeypatch):
    from mmseg_ssr import experiments
    fast, slow = table.rows
    compared = replace(table, rows=(replace(fast, baseline='slow'), slow))
    monkeypatch.setattr(experiments, 'EXPERIMENTS', [compared])
    run(tool, '--exp', 'tiny', '--seed', 1)
    capsys.readouterr()
    run(tool, '--exp', 'tiny', '--seed', 1, '--rows', 'fast', '--results', '--json', 'fast.json')
    output = capsys.readouterr().out
    assert '| fast - slow | - | 1: ' in output and '| slow |' not in output
    row, = json.loads(open('fast.json').read())['rows']
    assert list(row['differences']) == ['1']


@pytest.mark.parametrize('word, told', [
    ('--bogus', 'unrecognized arguments: --bogus'), ('stray', 'a table or --list, not both'),
    ('--results', 'unrecognized arguments: --results'), ('--rows', 'argument --rows: expected')])
def test_the_list_takes_no_other_words(tool, capsys, word, told):
    with pytest.raises(SystemExit) as end:
        run(tool, '--list', word)
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == '' and told in shown.err.splitlines()[-1]
