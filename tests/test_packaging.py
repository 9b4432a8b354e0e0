"""The installation: what it refuses, what it repeats and what not, and its files."""
import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mmseg_ssr.utils import installation

ROOT = Path(__file__).parents[1]
SETUP = ROOT / 'tools' / 'setup_environment.py'
OLD_PYTHON = ('import runpy, sys; sys.version_info = (3, 8, 18, "final", 0); '
              f'sys.argv = ["setup_environment.py", "--venv", sys.argv[1]]; '
              f'runpy.run_path({str(SETUP)!r}, run_name="__main__")')
APACHE_2_SHA256 = 'cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30'


@pytest.fixture
def installer(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    module = importlib.import_module('setup_environment')
    monkeypatch.setattr(module, 'missing_here', lambda full=False: ['timm'])
    return module


@pytest.fixture
def ran(installer, monkeypatch, tmp_path):
    """The commands of an installation into ``tmp_path/env``. Making an environment links Python."""
    commands = []

    def run(command, **variables):
        commands.append([str(word) for word in command])
        if 'venv' in command:
            (tmp_path / 'env/bin').mkdir(parents=True)
            (tmp_path / 'env/bin/python').symlink_to(sys.executable)
            (tmp_path / 'env/lib/python3/site-packages').mkdir(parents=True)

    monkeypatch.setattr(installer, 'run', run)
    monkeypatch.setattr(installer.shutil, 'which', lambda name: name != 'uv')
    return commands


def install(installer, tmp_path, *arguments):
    assert installer.main(['--venv', str(tmp_path / 'env'), *arguments]) == 0


# ---------------------------------------------------------------- which Python
@pytest.mark.parametrize('version', [(2, 7), (3, 8), (3, 15), (4, 0)])
def test_python_that_does_not_fit_is_named(version):
    assert re.match(r'Python {}\.{} cannot .* 3\.9 to 3\.14'.format(*version),
                    installation.python_fault(version))


@pytest.mark.parametrize('minor', range(9, 15))
def test_python_that_fits(minor):
    assert not installation.python_fault((3, minor))


def test_old_python_is_told_in_one_line_and_nothing_is_made(tmp_path):
    ended = subprocess.run([sys.executable, '-c', OLD_PYTHON, str(tmp_path / 'env')],
                           capture_output=True, text=True)
    assert ended.returncode == 2 and not (tmp_path / 'env').exists()
    assert re.fullmatch('error: Python 3.8 cannot be used.*\n', ended.stderr)


@pytest.mark.parametrize('versions, missing', [
    ({}, []), ({'mmcv': '2.1.0'}, ['mmcv 1.x']), ({'mmsegmentation': '1.2.2'}, ['mmseg 0.x'])])
def test_versions_of_another_line_are_missing_parts(monkeypatch, versions, missing):
    monkeypatch.setattr(installation, 'version_of', lambda names, default: next(
        (versions[name] for name in names if name in versions), default))
    assert installation.missing_here() == missing


def test_missing_packages_are_listed(monkeypatch):
    monkeypatch.setattr(installation, 'find_spec', lambda name: None)
    assert installation.missing_here() == installation.MODULES


def test_complete_python_is_used_and_no_environment_made(installer, ran, monkeypatch, capsys,
                                                         tmp_path):
    monkeypatch.setattr(installer, 'missing_here', lambda full=False: [])
    install(installer, tmp_path)
    install(installer, tmp_path, '--which')
    as_it_is, which = capsys.readouterr().out.splitlines()
    assert 'as it is' in as_it_is and which == sys.executable and not ran


def test_incomplete_python_leads_to_the_environment(installer, ran, capsys, tmp_path):
    install(installer, tmp_path, '--which')
    assert capsys.readouterr().out.strip() == str(tmp_path / 'env/bin/python') and not ran


# ---------------------------------------------------------------- what is installed
def test_mmcv_without_operators_and_the_startup_file(installer, ran, tmp_path):
    install(installer, tmp_path)
    packages = [word for command in ran for word in command]
    assert 'mmcv==1.7.2' in packages and 'mmcv-full==1.7.2' not in packages
    assert 'torch==2.11.0' in packages or sys.version_info < (3, 10)
    startup = tmp_path / 'env/lib/python3/site-packages/mmseg_ssr.pth'
    assert startup.read_text().count('\n') == 1  # Python runs single lines


def test_uv_is_used_where_it_is_found(installer, ran, monkeypatch, tmp_path):
    monkeypatch.setattr(installer.shutil, 'which', lambda name: True)
    install(installer, tmp_path)
    assert ran and {command[0] for command in ran} == {'uv'}


@pytest.mark.parametrize('torch, made_again', [([], False), (['--torch', 'torch==2.8.0'], True)])
def test_only_what_changed_is_installed_again(installer, ran, tmp_path, capsys, torch, made_again):
    install(installer, tmp_path)
    capsys.readouterr()
    ran.clear()
    install(installer, tmp_path, *torch)
    assert bool(ran) == bool(capsys.readouterr().out) == made_again
    assert not made_again or 'torch==2.8.0' in ran[0] + ran[1]


def test_an_interrupted_installation_goes_on(installer, ran, monkeypatch, tmp_path, capsys):
    def interrupted(self, arguments):
        raise installer.SetupError('no network')

    with monkeypatch.context() as patch:
        patch.setattr(installer.Environment, 'pip', interrupted)
        assert installer.main(['--venv', str(tmp_path / 'env')]) == 2
    assert capsys.readouterr().err == 'error: no network\n'
    ran.clear()
    install(installer, tmp_path)
    assert ran and not [command for command in ran if 'venv' in command]


def test_mmcv_full_takes_the_place_of_mmcv_and_is_kept(installer, ran, monkeypatch, tmp_path):
    install(installer, tmp_path)
    ran.clear()
    install(installer, tmp_path, '--mmcv', 'full')
    pips = [' '.join(command[3:]) for command in ran if command[1:3] == ['-m', 'pip']]
    removed = pips.index('uninstall --quiet --yes mmcv')
    assert pips[removed + 1].endswith('mmcv-full==1.7.2')
    ran.clear()
    monkeypatch.setattr(installer.Environment, 'has_operators', lambda self: True)
    install(installer, tmp_path, '--torch', 'torch==2.8.0')
    assert ran and not [command for command in ran if 'mmcv==1.7.2' in command]


def test_mmseg1_shares_all_packages_but_those_of_openmmlab(installer, ran, monkeypatch, tmp_path):
    base = tmp_path / 'base'
    for name in ('torch', 'mmcv', 'mmsegmentation-0.30.0.dist-info', 'numpy', 'pip', 'a.pth'):
        (base / name).mkdir(parents=True)
    monkeypatch.setattr(installer.Environment, 'output_of', lambda self, *unused: str(base))
    install(installer, tmp_path, '--mmseg1', '--base', sys.executable)
    assert sorted(path.name for path in (tmp_path / 'env/shared').iterdir()) == ['numpy', 'torch']
    packages = [word for command in ran for word in command]
    assert 'onedl-mmsegmentation==1.4.2' in packages and 'mmcv==1.7.2' not in packages
    listed = (tmp_path / 'env/lib/python3/site-packages/base.pth').read_text()
    assert listed == str(tmp_path / 'env/shared')


def test_the_extra_is_the_set_of_the_environment(installer):
    assert repr(installer.MMSEG1) in (ROOT / 'setup.py').read_text()


def test_mmcv_full_needs_a_compiler(installer, ran, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(installer.shutil, 'which', lambda name: None)
    assert installer.main(['--venv', str(tmp_path / 'env'), '--mmcv', 'full']) == 2
    assert 'there is no C++ compiler' in capsys.readouterr().err


@pytest.mark.parametrize('torch, wrapped', [('2.8.0', False), ('2.14.0', True), ('3.0.0', True)])
def test_mmcv_full_is_built_without_cuda_and_as_cxx20_for_newer_torch(installer, ran, monkeypatch,
                                                                      tmp_path, torch, wrapped):
    monkeypatch.setenv('CXX', 'ccache g++')
    environment = installer.Environment(str(tmp_path / 'env'), ['torch'])
    answer = subprocess.CompletedProcess([], 0, stdout=torch.encode())
    monkeypatch.setattr(installer.subprocess, 'run', lambda *args, **kwargs: answer)
    variables = environment.build_variables()
    assert variables['FORCE_CUDA'] == '0' and variables['CUDA_VISIBLE_DEVICES'] == ''
    assert variables['CXX'].endswith('cxx20.sh') == wrapped
    assert variables.get('CXX20_COMPILER') == ('ccache g++' if wrapped else None)


def test_environment_of_another_python_is_left_alone(installer, ran, monkeypatch, tmp_path, capsys):
    install(installer, tmp_path)
    monkeypatch.setattr(installer.sys, 'version_info', (3, 14, 0))
    assert installer.main(['--venv', str(tmp_path / 'env')]) == 2
    assert re.search(r'holds Python 3\.\d+, not 3\.14: remove', capsys.readouterr().err)


def test_a_failing_command_ends_in_one_line(installer, capfd):
    with pytest.raises(installer.SetupError, match='exit status 3'):
        installer.run([sys.executable, '-c', 'print("why it failed"); raise SystemExit(3)'])
    assert 'why it failed' in capfd.readouterr().out


def test_the_compiler_wrapper_asks_for_cxx20_and_keeps_the_rest(tmp_path):
    compiler = tmp_path / 'ccache'
    compiler.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 3\n')
    compiler.chmod(0o755)
    arguments = ['-c', 'a b.cpp', '-std=c++17', '-DNAME="x y"', '', '-std=gnu++14', '-std=c++23']
    ended = subprocess.run([str(ROOT / 'tools' / 'cxx20.sh'), *arguments], capture_output=True,
                           text=True, env=dict(os.environ, CXX20_COMPILER=f'{compiler} g++'))
    assert ended.returncode == 3 and ended.stdout.split('\n')[:-1] == [
        'g++', '-c', 'a b.cpp', '-std=c++20', '-DNAME="x y"', '', '-std=gnu++20', '-std=c++23']


# ---------------------------------------------------------------- make
def make(*arguments):
    if shutil.which('make') is None:
        pytest.skip('make is not installed')
    return subprocess.run(['make', '--no-print-directory', *arguments], cwd=ROOT, text=True,
                          capture_output=True, env={**os.environ, 'MAKEFLAGS': ''})


@pytest.mark.parametrize('target, command', [
    ('demo', 'tools/demo.py'), ('test', '-m pytest'), ('full', '-m pytest'),
    ('slow', '-m slow'), ('mmseg1', '-m pytest'), ('soak', '-m pytest -m soak'),
    ('parity', '-m pytest tests/parity -q'), ('lint', '-m ruff check'),
    ('docs', '-m sphinx -W')])
def test_target_installs_what_is_missing_and_then_runs(target, command):
    ended = make('-n', target, f'PYTHON={sys.executable}')
    setup, *_, run = ended.stdout.replace('\\\n', '').strip().splitlines()
    assert 'tools/setup_environment.py' in setup and '--which' not in setup
    assert command in run and f'PYTHONPATH="{ROOT}' in run


def test_variables_reach_the_installer():
    setup = make('-n', 'setup', 'PYTHON=my python', 'VENV=my env', 'TORCH=torch==2.9.0',
                 'MMCV=full').stdout
    assert '"my python" tools/setup_environment.py' in setup and '--mmcv "full"' in setup
    assert '--venv "my env"' in setup and '--torch "torch==2.9.0"' in setup


def test_help_lists_every_target():
    phony = re.search(r'^\.PHONY: (.*)$', (ROOT / 'Makefile').read_text(), re.M).group(1).split()
    assert re.findall(r'^  make (\w+)', make('help').stdout, re.M) == phony


# ---------------------------------------------------------------- files
def test_license_is_the_standard_text():
    assert hashlib.sha256((ROOT / 'LICENSE').read_bytes()).hexdigest() == APACHE_2_SHA256


def test_ci_runs_the_suites():
    script = ROOT / '.ci' / 'run'
    lines = script.read_text().splitlines()
    assert os.access(script, os.X_OK) and {'make test', 'make slow'} <= set(lines)
    assert [line for line in lines if line.endswith('then make full; fi')]  # where it is quick
    assert 'make mmseg1' in lines


def test_requirements_name_mmcv_full_and_bring_neither_it_nor_torch():
    text = (ROOT / 'requirements.txt').read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith('#')]
    assert 'mmsegmentation==0.30.0' in lines and 'segment-anything==1.0' in lines
    assert 'mmcv-full' in text
    assert not [line for line in lines if line.startswith(('torch', 'mmcv'))]


def test_the_wheel_holds_package_configs_and_command(tmp_path):
    for name in ('mmseg_ssr', 'configs', 'configs1'):
        shutil.copytree(ROOT / name, tmp_path / name,
                        ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.py', 'README.md', 'requirements.txt'):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run([sys.executable, 'setup.py', '--quiet', 'bdist_wheel'], cwd=tmp_path, check=True)
    wheel, = (tmp_path / 'dist').glob('*.whl')
    with zipfile.ZipFile(wheel) as packed:
        held = {name: name.split('/')[-1] for name in packed.namelist()}
        text, = (packed.read(name).decode() for name in held if held[name] == 'entry_points.txt')
    files = [path for folder in ('mmseg_ssr', 'configs', 'configs1')
             for path in (tmp_path / folder).rglob('*')
             if path.suffix in ('.py', '.pth', '.html', '.css', '.js')]
    missing = {path.relative_to(tmp_path).as_posix() for path in files} - held.keys()
    assert {f'mmseg_ssr/{name}' for name in missing} <= held.keys() and len(missing) > 100
    assert 'mmseg_ssr.pth' in held and 'mmseg-ssr = mmseg_ssr.__main__:main' in text


def test_one_version_everywhere():
    import mmseg_ssr
    version = re.search(r"version='(.*)'", (ROOT / 'setup.py').read_text()).group(1)
    assert mmseg_ssr.__version__ == version
    assert f'\nversion: {version}\n' in (ROOT / 'CITATION.cff').read_text()
    assert f'\n## {version} ' in (ROOT / 'CHANGELOG.md').read_text()
