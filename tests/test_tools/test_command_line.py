"""``mmseg-ssr``: every command by its name, from any folder, also where OpenMMLab is missing."""
import os
import subprocess
import sys

import pytest
from tiny_training import ROOT

from mmseg_ssr import __main__
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.errors import MissingFile

SSR = 'configs/sam/daformer_sam_vit_b.py'


def run(*arguments):
    __main__.main(list(arguments))


@pytest.fixture(autouse=True)
def argv(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmseg-ssr'])


@pytest.mark.parametrize('name', __main__.COMMANDS)
def test_every_command_shows_its_options_under_its_own_name(name, capsys):
    with pytest.raises(SystemExit) as end:
        run(name, '--help')
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f'usage: mmseg-ssr {name} ')


def test_all_commands_are_listed(capsys):
    with pytest.raises(SystemExit) as end:
        run('--help')
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 0
    assert all(any(line.startswith(f'  {name} ') for line in lines) for name in __main__.COMMANDS)


@pytest.mark.parametrize('words', [[], ['trian']])
def test_no_command_and_an_unknown_one(words, capsys):
    with pytest.raises(SystemExit) as end:
        run(*words)
    assert end.value.code == 2 and 'COMMAND' in capsys.readouterr().err


def test_without_openmmlab_it_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(__main__, 'HINDRANCE', 'mmcv cannot be found: see docs/install.md')
    with pytest.raises(SystemExit) as end:
        run('train', SSR)
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        'error: mmseg-ssr train cannot run: mmcv cannot be found: see docs/install.md\n')


def test_arguments_reach_the_command(capsys):
    run('table', 'ssr', '--rows', 'daformer_ssr', '--seed', '3', '--dry-run')
    assert 'daformer_ssr_s3: ' in capsys.readouterr().out


def test_configs_of_the_project_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_config(SSR).uda.type == 'SSR'
    (tmp_path / SSR).parent.mkdir(parents=True)
    (tmp_path / SSR).write_text('seed = 7')
    assert load_config(SSR).seed == 7  # one's own comes first
    with pytest.raises(MissingFile, match='config file configs/sam/none.py is missing'):
        load_config('configs/sam/none.py')


def test_the_module_is_the_same_program(tmp_path):
    ended = subprocess.run(
        [sys.executable, '-m', 'mmseg_ssr', 'train', SSR, '--dry-run', '--cfg-options',
         'uda.sam_checkpoint=none.pth'], cwd=tmp_path, text=True, capture_output=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)})
    assert ended.stdout.startswith('work_dirs/local/daformer_sam_vit_b: configs/sam/'), ended.stderr
