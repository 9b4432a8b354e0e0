import os
import socket
import subprocess
import sys

import pytest

from mmseg_ssr.utils.atomic_file import (
    WRITING,
    atomic_file,
    part_name,
    remove_leftovers,
    write_atomic,
)


def test_replaces_the_content(tmp_path):
    path = tmp_path / 'file.json'
    write_atomic(path, b'one')
    write_atomic(str(path), b'two')
    assert path.read_bytes() == b'two'
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / 'file.json'
    write_atomic(path, b'one')

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='No space left'):
        write_atomic(path, b'two')
    assert path.read_bytes() == b'one'
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_in_the_block_leaves_the_old_file(tmp_path):
    path = tmp_path / 'file'
    write_atomic(path, b'one')
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as file:
        file.write(b'half')
        raise KeyboardInterrupt
    assert path.read_bytes() == b'one' and list(tmp_path.iterdir()) == [path]


def test_durable_files_are_on_the_disk_before_they_have_their_name(tmp_path, monkeypatch):
    calls = []
    for name in ('fsync', 'replace'):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: (
            calls.append(name), real(*args)))
    with atomic_file(tmp_path / 'file', durable=True) as file:
        file.write(b'content')
    assert calls == ['fsync', 'replace', 'fsync']  # the bytes, the name, the folder


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, '-c', ''])
    process.wait()
    return process.pid


@pytest.fixture
def living():
    process = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate(b'\n')


def test_leftovers_of_dead_processes_are_removed(tmp_path, dead, living):
    host = socket.gethostname()
    old = tmp_path / 'iter_6.pth.part-elsewhere-1'
    gone = [tmp_path / f'iter_4.pth.part-{host}-{dead}', tmp_path / part_name('config.py'), old]
    kept = [tmp_path / name for name in (
        f'iter_4.pth.part-{host}-{living}', 'iter_5.pth.part-elsewhere-1', 'iter_4.pth',
        'my.part-of-it', f'part-{host}-{dead}')]
    for path in (*gone, *kept):
        path.touch()
    link = tmp_path / f'latest.pth.part-{host}-{dead}'
    os.symlink('iter_9.pth', link)
    os.utime(old, (1, old.stat().st_mtime - WRITING - 1))
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_a_number_that_no_process_has(tmp_path):
    part = tmp_path / f'file.part-{socket.gethostname()}-{10**20}'
    part.touch()
    remove_leftovers(tmp_path)
    assert not part.exists()


def test_a_file_may_be_dated_back(tmp_path):
    write_atomic(tmp_path / 'file', b'content', time_stamp=1e9)
    assert (tmp_path / 'file').stat().st_mtime == 1e9
    assert (tmp_path / 'file').read_bytes() == b'content'
