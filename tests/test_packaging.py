"""The installation: what is checked before it, what it repeats and what not, and its files."""
import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
SETUP = ROOT / 'tools' / 'setup_environment.py'
OLD_PYTHON = ('import runpy, sys; sys.version_info = (3, 8, 18, "final", 0); '
              f'sys.path.insert(0, {str(SETUP.parent)!r}); '
              f'sys.argv = ["setup_environment.py", "--venv", sys.argv[1]]; '
              f'runpy.run_path({str(SETUP)!r}, run_name="__main__")')
APACHE_2_SHA256 = 'cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30'


@pytest.fixture
def checks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    return importlib.import_module('setup_checks')


@pytest.fixture
def installer(checks):
    return importlib.import_module('setup_environment')


@pytest.fixture
def environment(installer, tmp_path):
    environment = installer.Environment(str(tmp_path / 'env'), torch='torch==1', torchvision='')
    python = Path(environment.python)
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return environment


def executable(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def one_line(text: str) -> bool:
    return text.startswith('error: ') and text.count('\n') == 1


# ---------------------------------------------------------------- before anything is installed
@pytest.mark.parametrize('version', ['2.7', '3.8', '3.13', '4.0'])
def test_python_that_does_not_fit_is_named(checks, version):
    with pytest.raises(checks.SetupError, match=rf'^Python {version} cannot .* 3\.9 to 3\.12'):
        checks.check_python(tuple(map(int, version.split('.'))))


@pytest.mark.parametrize('minor', [9, 10, 11, 12])
def test_python_that_fits(checks, minor):
    checks.check_python((3, minor))


def test_old_python_is_told_in_one_line_and_nothing_is_made(tmp_path):
    venv = tmp_path / 'env'
    ran = subprocess.run([sys.executable, '-c', OLD_PYTHON, str(venv)], capture_output=True,
                         text=True)
    assert ran.returncode == 2
    assert one_line(ran.stderr) and 'Python 3.8 cannot be used' in ran.stderr
    assert not venv.exists()


def test_missing_compiler_is_told_in_one_line_and_nothing_is_made(checks, installer, monkeypatch,
                                                                  capsys, tmp_path):
    monkeypatch.setattr(installer, 'missing_here', lambda: ['torch', 'mmcv'])
    monkeypatch.setattr(installer.Environment, 'is_running', lambda self: False)
    monkeypatch.setattr(installer, 'check_python', lambda: None)
    monkeypatch.setenv('CXX', 'no-such-compiler')
    assert installer.main(['--venv', str(tmp_path / 'env')]) == 2
    error = capsys.readouterr().err
    assert one_line(error) and 'no C++ compiler (no-such-compiler not found)' in error
    assert not (tmp_path / 'env').exists()


def test_compiler_that_finds_no_headers_is_refused(checks, tmp_path):
    compiler = executable(tmp_path / 'g++', '#!/bin/sh\necho "no Python.h" >&2\nexit 1\n')
    with pytest.raises(checks.SetupError, match='no Python.h.*python3-dev'):
        checks.find_compiler({'CXX': compiler, 'PATH': os.defpath})


def test_compiler_of_several_words_is_kept_whole(checks, tmp_path):
    compiler = executable(tmp_path / 'ccache', '#!/bin/sh\nexit 0\n')
    assert checks.find_compiler({'CXX': f'{compiler} g++', 'PATH': os.defpath}) == [compiler, 'g++']


def test_venv_module_missing(checks, monkeypatch):
    monkeypatch.setattr(checks, 'find_spec', lambda name: None if name == 'ensurepip' else name)
    with pytest.raises(checks.SetupError, match="no module 'ensurepip'.*python3-venv"):
        checks.check_venv_module()


# ---------------------------------------------------------------- an environment as it is
@pytest.mark.parametrize('files, versions, missing', [
    (['_ext.cpython-311.so'], {}, []),
    ([], {}, ['the compiled mmcv (mmcv-full)']),
    (['_ext.so'], {'mmcv': '2.1.0'}, ['mmcv 1.x']),
    (['_ext.so'], {'mmsegmentation': '1.2.2'}, ['mmsegmentation 0.x']),
])
def test_environment_that_can_be_used_as_it_is(checks, monkeypatch, tmp_path, files, versions,
                                               missing):
    for name in files:
        (tmp_path / name).touch()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(checks, 'find_spec', lambda name: spec)
    monkeypatch.setattr(checks, 'version_of', lambda names, default: next(
        (versions[name] for name in names if name in versions), default))
    assert checks.missing_here() == missing


def test_missing_package_is_listed(checks, monkeypatch):
    monkeypatch.setattr(checks, 'find_spec', lambda name: None)
    assert checks.missing_here() == checks.RUNTIME_MODULES


def test_complete_python_is_used_and_no_environment_made(installer, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(installer, 'missing_here', lambda: [])
    environment = installer.Environment(str(tmp_path / 'env'), torch='torch', torchvision='')
    installer.setup(environment, which=False)
    installer.setup(environment, which=True)
    as_it_is, which = capsys.readouterr().out.splitlines()
    assert 'as it is' in as_it_is and which == sys.executable
    assert not (tmp_path / 'env').exists()


def test_incomplete_python_leads_to_the_environment(installer, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(installer, 'missing_here', lambda: ['timm'])
    environment = installer.Environment(str(tmp_path / 'env'), torch='torch', torchvision='')
    installer.setup(environment, which=True)
    assert capsys.readouterr().out.strip() == environment.python


# ---------------------------------------------------------------- step by step
def steps_of(installer, done, failing=(), version='1'):
    def action(name):
        def run():
            if name in failing:
                raise installer.SetupError(name)
            done.append(name)
        return run
    return [installer.Step(name, f'doing {name}', [version if name == 'b' else ''], action(name))
            for name in 'abc']


def test_interrupted_installation_goes_on_at_the_failed_step(installer, environment, monkeypatch):
    done = []
    monkeypatch.setattr(environment, 'steps', lambda: steps_of(installer, done, failing='b'))
    with pytest.raises(installer.SetupError):
        installer.install(environment)
    assert done == ['a']
    monkeypatch.setattr(environment, 'steps', lambda: steps_of(installer, done))
    installer.install(environment)
    assert done == ['a', 'b', 'c']


def test_second_installation_does_and_says_nothing(installer, environment, monkeypatch, capsys):
    done = []
    monkeypatch.setattr(environment, 'steps', lambda: steps_of(installer, done))
    installer.install(environment)
    assert 'ready after' in capsys.readouterr().out
    installer.install(environment)
    assert done == ['a', 'b', 'c'] and capsys.readouterr().out == ''


def test_only_the_step_whose_input_changed_is_done_again(installer, environment, monkeypatch):
    done = []
    monkeypatch.setattr(environment, 'steps', lambda: steps_of(installer, done))
    installer.install(environment)
    monkeypatch.setattr(environment, 'steps', lambda: steps_of(installer, done, version='2'))
    installer.install(environment)
    assert done == ['a', 'b', 'c', 'b']


def test_another_torch_builds_mmcv_again(installer, tmp_path):
    def digests(torch):
        steps = installer.Environment(str(tmp_path), torch=torch, torchvision='').steps()
        return {step.name: installer.digest(step.inputs) for step in steps}
    old, new = digests('torch==2.11.0'), digests('torch==2.8.0')
    assert [name for name in old if old[name] != new[name]] == ['torch', 'mmcv']


def test_environment_of_another_python_is_left_alone(installer, environment, monkeypatch):
    monkeypatch.setattr(installer, 'THIS_VERSION', '3.0')
    with pytest.raises(installer.SetupError, match=r'holds Python 3\.\d+, not 3\.0: remove'):
        environment.create()


def test_failing_command_shows_its_last_lines_and_the_log(installer, environment, capsys):
    with pytest.raises(installer.SetupError, match='exit status 3.*setup.log'):
        environment.run([sys.executable, '-c', 'print("why it failed"); raise SystemExit(3)'])
    assert 'why it failed' in capsys.readouterr().err
    assert 'why it failed' in Path(environment.log).read_text()


@pytest.mark.parametrize('prints, expected', [('[3/87] c++', '3 of 87 files'), ('', ' s ...')])
def test_waiting_tells_how_many_files_are_compiled(environment, capsys, prints, expected):
    Path(environment.log).write_text('[87/87] of an earlier build\n')
    begin = os.path.getsize(environment.log)
    code = f'import time; print({prints!r}, flush=True); time.sleep(1)'
    with open(environment.log, 'a') as log:
        process = subprocess.Popen([sys.executable, '-c', code], stdout=log)
    assert environment.wait(process, begin=begin, every=0.4) == 0
    said = capsys.readouterr().out
    assert expected in said and '87 of 87' not in said


def test_mmcv_is_built_without_cuda(installer, environment, monkeypatch):
    monkeypatch.setattr(installer, 'find_compiler', lambda: ['ccache', 'g++'])
    monkeypatch.setattr(environment, 'output_of', lambda code: '2.11.0+cu130')
    environ = environment.mmcv_environ()
    assert environ['FORCE_CUDA'] == '0' and environ['CUDA_VISIBLE_DEVICES'] == ''
    assert environ['CXX'] == 'ccache g++' and 'CXX20_COMPILER' not in environ
    monkeypatch.setattr(environment, 'output_of', lambda code: '2.14.0')
    environ = environment.mmcv_environ()
    assert environ['CXX'].endswith('cxx20.sh') and environ['CXX20_COMPILER'] == 'ccache g++'


@pytest.mark.parametrize('version, needed', [
    ('2.8.0', False), ('2.13.0+cpu', False), ('2.14.0', True), ('2.15.0+cu130', True),
    ('3.0.0', True)])
def test_cxx20_is_needed_from_torch_2_14_on(checks, version, needed):
    assert checks.needs_cxx20(version) is needed


def test_torch_by_python_version(checks):
    assert checks.default_packages((3, 9)) == ('torch==2.8.0', 'torchvision==0.23.0')
    assert checks.default_packages((3, 10)) == ('torch==2.11.0', 'torchvision==0.26.0')


# ---------------------------------------------------------------- the compiler wrapper
def wrapped(tmp_path, arguments, compiler='', code=0):
    fake = executable(tmp_path / 'fake-cxx', f'#!/bin/sh\nprintf "%s\\n" "$@"\nexit {code}\n')
    return subprocess.run([str(ROOT / 'tools' / 'cxx20.sh'), *arguments], capture_output=True,
                          text=True, env=dict(os.environ, CXX20_COMPILER=compiler or fake))


def test_wrapper_asks_for_cxx20_and_keeps_the_rest(tmp_path):
    arguments = ['-c', 'a b.cpp', '-std=c++17', '-DNAME="x y"', '', '-std=gnu++14', '-o', '*.o']
    ran = wrapped(tmp_path, arguments)
    assert ran.stdout.split('\n')[:-1] == ['-c', 'a b.cpp', '-std=c++20', '-DNAME="x y"', '',
                                           '-std=gnu++20', '-o', '*.o']


@pytest.mark.parametrize('flag', ['-std=c++20', '-std=c++23', '-std=c99', '-stdlib=libc++'])
def test_wrapper_leaves_other_standards_alone(tmp_path, flag):
    assert wrapped(tmp_path, [flag]).stdout == flag + '\n'


def test_wrapper_passes_the_exit_status_on(tmp_path):
    assert wrapped(tmp_path, ['x'], code=3).returncode == 3


def test_wrapper_takes_a_compiler_of_several_words(tmp_path):
    prefix = executable(tmp_path / 'ccache', '#!/bin/sh\necho "ccache $*"\n')
    assert wrapped(tmp_path, ['-std=c++17'], compiler=f'{prefix} g++').stdout == (
        'ccache g++ -std=c++20\n')


# ---------------------------------------------------------------- make
def make(*arguments):
    if shutil.which('make') is None:
        pytest.skip('make is not installed')
    return subprocess.run(['make', '--no-print-directory', *arguments], cwd=ROOT, text=True,
                          capture_output=True, env={**os.environ, 'MAKEFLAGS': ''})


@pytest.mark.parametrize('target, command', [
    ('demo', 'tools/demo.py'), ('test', '-m pytest'), ('soak', '-m pytest -m soak'),
    ('parity', '-m pytest tests/parity -q'), ('lint', '-m ruff check'),
    ('docs', '-m sphinx -W')])
def test_target_installs_what_is_missing_and_then_runs(target, command):
    ran = make('-n', target, f'PYTHON={sys.executable}')
    setup, run = ran.stdout.replace('\\\n', '').strip().splitlines()
    assert 'tools/setup_environment.py' in setup and '--which' not in setup
    assert command in run and f'PYTHONPATH="{ROOT}' in run


def test_variables_reach_the_installer():
    setup = make('-n', 'setup', 'PYTHON=my python', 'VENV=my env', 'TORCH=torch==2.9.0').stdout
    assert '"my python" tools/setup_environment.py' in setup
    assert '--venv "my env"' in setup and '--torch "torch==2.9.0"' in setup


def test_help_lists_every_target():
    phony = re.search(r'^\.PHONY: (.*)$', (ROOT / 'Makefile').read_text(), re.M).group(1).split()
    assert re.findall(r'^  make (\w+)', make('help').stdout, re.M) == phony


# ---------------------------------------------------------------- files
def test_license_is_the_standard_text():
    assert hashlib.sha256((ROOT / 'LICENSE').read_bytes()).hexdigest() == APACHE_2_SHA256


def test_ci_runs_make_test():
    script = ROOT / '.ci' / 'run'
    assert os.access(script, os.X_OK) and 'make test' in script.read_text().splitlines()


def test_requirements_do_not_bring_torch_or_mmcv():
    lines = [line for line in (ROOT / 'requirements.txt').read_text().splitlines()
             if line and not line.startswith('#')]
    assert 'mmsegmentation==0.30.0' in lines and 'segment-anything==1.0' in lines
    assert not [line for line in lines if line.startswith(('torch', 'mmcv'))]


def test_one_version_everywhere():
    import mmseg_ssr
    version = re.search(r"version='(.*)'", (ROOT / 'setup.py').read_text()).group(1)
    assert mmseg_ssr.__version__ == version
    assert f'\nversion: {version}\n' in (ROOT / 'CITATION.cff').read_text()
    assert f'\n## {version} ' in (ROOT / 'CHANGELOG.md').read_text()
