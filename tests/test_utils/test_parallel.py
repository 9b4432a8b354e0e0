import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from tiny_training import ROOT

from mmseg_ssr.errors import DataError
from mmseg_ssr.utils.parallel import default_workers, parallel_map, worker_count


def square(number):
    return number * number, os.getpid()


def threads_and_answer_to_ctrl_c(number):
    return cv2.getNumThreads(), signal.getsignal(signal.SIGINT)


def fail_at_30(number):
    if number == 30:
        raise DataError('file 30 is damaged')


def die(number):
    if number == 20:
        os._exit(1)


def test_order_and_processes():
    results = parallel_map(square, range(64), workers=2)
    assert [r for r, _ in results] == [i * i for i in range(64)]
    assert os.getpid() not in {pid for _, pid in results}
    assert {pid for _, pid in parallel_map(square, range(3), workers=2)} == {os.getpid()}
    assert parallel_map(square, [], workers=2) == []


def test_processes_have_one_thread_and_leave_ctrl_c_to_their_parent():
    before = cv2.getNumThreads(), signal.getsignal(signal.SIGINT)
    assert set(parallel_map(threads_and_answer_to_ctrl_c, range(40), workers=2)) == {
        (1, signal.SIG_IGN)}
    assert (cv2.getNumThreads(), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.skipif(not hasattr(os, 'sched_setaffinity'), reason='of Linux')
def test_there_are_as_many_processes_as_cores_to_run_on():
    cores = os.sched_getaffinity(0)
    assert default_workers() == len(cores)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert default_workers() == 1
    finally:
        os.sched_setaffinity(0, cores)


def test_a_number_of_processes_is_one():
    assert worker_count('1') == 1 and worker_count('4096') == 4096
    for text in ('0', '-2', '4097', '9' * 30, 'all', '1.5', ''):
        with pytest.raises(argparse.ArgumentTypeError, match=f"1 to 4096, got '{text}'"):
            worker_count(text)


@pytest.mark.parametrize('workers', [1, 2])
def test_errors_arrive(workers):
    with pytest.raises(DataError, match='file 30 is damaged'):
        parallel_map(fail_at_30, range(64), workers)


def test_a_killed_process_is_said():
    with pytest.raises(DataError, match='one of 2 processes was killed'):
        parallel_map(die, range(64), workers=2)


@pytest.mark.parametrize('method', ['fork', 'forkserver'])  # the second one is Python 3.14's
def test_processes_end_with_their_parent(tmp_path, method):
    script = tmp_path / 'run.py'
    script.write_text(
        'import multiprocessing, os, time\n'
        'from mmseg_ssr.utils.parallel import parallel_map\n'
        'def work(i):\n'
        f'    open({str(tmp_path)!r} + f"/{{os.getpid()}}.pid", "w").close()\n'
        '    time.sleep(600)\n'
        'if __name__ == "__main__":\n'
        f'    multiprocessing.set_start_method({method!r})\n'
        '    parallel_map(work, range(64), workers=2)\n')
    parent = subprocess.Popen([sys.executable, str(script)], cwd=ROOT,
                              env=dict(os.environ, PYTHONPATH=str(ROOT)))
    assert wait_for(lambda: len(list(tmp_path.glob('*.pid'))) == 2, 120)
    workers = [int(path.stem) for path in tmp_path.glob('*.pid')]
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not any(map(is_running, workers)), 60)


def test_processes_of_a_server_do_the_work(tmp_path):
    script = tmp_path / 'run.py'
    script.write_text(
        'import multiprocessing\n'
        'from mmseg_ssr.utils.parallel import parallel_map\n'
        'if __name__ == "__main__":\n'
        '    multiprocessing.set_start_method("forkserver")\n'
        '    print(parallel_map(abs, range(-40, 0), workers=2) == list(range(40, 0, -1)))\n')
    ended = subprocess.run([sys.executable, str(script)], text=True, capture_output=True,
                           timeout=120, env=dict(os.environ, PYTHONPATH=str(ROOT)))
    assert ended.stdout == 'True\n', ended.stderr


def is_running(pid):
    try:
        return 'Z' not in Path(f'/proc/{pid}/stat').read_text().split()[2]
    except OSError:
        return False


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()
