"""What a command does before and during its imports."""
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from mmseg_ssr import starting

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def program(monkeypatch):
    """Pretend that another program runs: its words, and the file of its main module."""

    def pretend(file, *words):
        main = ModuleType('__main__')
        main.__file__ = file
        monkeypatch.setitem(sys.modules, '__main__', main)
        monkeypatch.setattr(sys, 'orig_argv', ['python', *words], raising=False)
        monkeypatch.setattr(sys, 'argv', ['-m'] if words[:1] == ('-m', ) else [file])

    return pretend


@pytest.mark.parametrize('file, words', [
    (f'{ROOT}/tools/test.py', []), (f'{ROOT}/tools/convert_datasets/gta.py', []),
    (f'{ROOT}/run_experiments.py', []), ('/usr/bin/mmseg-ssr', []),
    (f'{ROOT}/mmseg_ssr/__main__.py', []), (None, ['-m', 'mmseg_ssr', 'test'])])
def test_commands(program, file, words):
    program(file, *words)
    assert starting.is_command()


@pytest.mark.parametrize('file, words', [
    ('/elsewhere/tools/test.py', []), (f'{ROOT}/mine.py', []), (None, []),
    (None, ['-m', 'mine', 'mmseg_ssr']), (None, ['-m', 'pytest'])])
def test_programs_of_others(program, file, words):
    program(file, *words)
    assert not starting.is_command()
    before = signal.getsignal(signal.SIGINT)
    with starting.quiet_start():
        assert signal.getsignal(signal.SIGINT) is before


def test_signals_are_as_before_when_the_imports_are_done(program):
    program(f'{ROOT}/tools/test.py')
    with starting.quiet_start():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize('answer', [signal.SIG_IGN, lambda signum, frame: None])
def test_an_answer_of_somebody_else_stays(program, answer):
    program(f'{ROOT}/tools/test.py')
    before = signal.signal(signal.SIGINT, answer)
    try:
        with starting.quiet_start():
            assert signal.getsignal(signal.SIGINT) is answer
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_changes_no_signal(program):
    program(f'{ROOT}/tools/test.py')
    seen = []

    def begin():
        with starting.quiet_start():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize('words', [
    ['-m', 'mmseg_ssr', 'test', '--help'], ['tools/test.py', '--help'],
    ['run_experiments.py', '--list']])
def test_ctrl_c_while_torch_is_imported(tmp_path, words):
    """A module in torch's place sends the signal, and swallows exceptions as compiled code may."""
    (tmp_path / 'torch.py').write_text(
        'import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    sum(range(1000))\n'
        'except BaseException:\n    pass\nraise ImportError("torch went on")\n')
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    run = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True,
                         env=dict(os.environ, PYTHONPATH=path))
    assert (run.returncode, run.stdout, run.stderr) == (130, '', 'stopped by SIGINT\n')


#: Fills 64 MB several times. Prints how waiting threads wait, and how many pages of memory the last
#: time took from the system. The first times find a place.
FILL = '''
import os
import resource
import mmseg_ssr
import torch
pages = []
for _ in range(5):
    torch.ones(16_000_000)
    pages.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(os.environ.get('OMP_WAIT_POLICY'), pages[-1] - pages[-2])
'''


@pytest.mark.skipif(sys.platform != 'linux', reason='mallopt is of glibc')
@pytest.mark.parametrize('name, environment, policy, kept', [
    ('mmseg-ssr', {}, 'PASSIVE', True), ('theirs.py', {}, 'None', False),
    ('mmseg-ssr', {'MALLOC_ARENA_MAX': '8', 'OMP_WAIT_POLICY': 'ACTIVE'}, 'ACTIVE', False)])
def test_commands_keep_memory_and_let_waiting_threads_sleep(tmp_path, name, environment, policy,
                                                            kept):
    script = tmp_path / name
    script.write_text(FILL)
    other = {key: value for key, value in os.environ.items()
             if not key.startswith(('MALLOC_', 'OMP_WAIT'))}
    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True,
                             env={**other, 'PYTHONPATH': str(ROOT), **environment}).stdout.split()
    assert printed[0] == policy
    assert (int(printed[1]) < 2000) == kept, printed
