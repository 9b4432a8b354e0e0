import os
import socket
import subprocess
import sys

import pytest
import torch

from mmseg_ssr.errors import MissingFile, UnwritableFile
from mmseg_ssr.utils.atomic_file import (
    WRITING,
    atomic_file,
    atomic_path,
    make_folder,
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
    with pytest.raises(UnwritableFile, match='file.json cannot be written .No space left.*: make'):
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


class Full:
    """A file on a disk that is full after some bytes. The error has no file name."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        self.room -= len(content)
        if self.room < 0:
            raise OSError(28, 'No space left on device')
        return self.file.write(content)


@pytest.mark.parametrize('room', [0, 100, 2000])
def test_torch_hides_a_full_disk(tmp_path, room):
    path = tmp_path / 'x.pth'
    with pytest.raises(UnwritableFile, match='x.pth cannot be written .No space left on device.'):
        with atomic_file(path) as file:
            torch.save(torch.zeros(1000), Full(file, room))
    assert not list(tmp_path.iterdir())


def test_errors_of_the_block_stay_what_they_are(tmp_path):
    for error in (MissingFile('gone'), ValueError('odd'), OSError('no number'),
                  FileNotFoundError(2, 'No such file', 'elsewhere')):
        with pytest.raises(type(error)) as raised, atomic_file(tmp_path / 'x'):
            raise error
        assert raised.value is error
    assert not list(tmp_path.iterdir())


def test_a_library_may_open_the_file_itself(tmp_path):
    with atomic_path(tmp_path / 'x.mp4', ending='.mp4') as part:
        assert part.endswith('.mp4') and not (tmp_path / 'x.mp4').exists()
        open(part, 'w').close()
        assert remove_leftovers(tmp_path) is None and not os.path.exists(part)
        open(part, 'w').close()
    assert [path.name for path in tmp_path.iterdir()] == ['x.mp4']


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'folder').mkdir()
    for name, kind in (('pipe', 'no regular file'), ('folder', 'a folder')):
        with pytest.raises(UnwritableFile, match=f'{name} cannot be written .it is {kind}'):
            write_atomic(tmp_path / name, b'')
    with pytest.raises(UnwritableFile, match='/dev/null cannot be written'):
        write_atomic('/dev/null', b'')


def test_a_folder_that_cannot_be_made(tmp_path):
    make_folder(tmp_path / 'a' / 'b')
    make_folder(tmp_path / 'a' / 'b')
    make_folder('')
    (tmp_path / 'file').touch()
    with pytest.raises(UnwritableFile, match='file/a cannot be written .Not a directory'):
        make_folder(tmp_path / 'file' / 'a')


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


def test_a_link_of_another_machine_is_as_old_as_itself(tmp_path):
    old, new = (tmp_path / f'{name}.pth.part-elsewhere-1' for name in ('old', 'new'))
    for link in (old, new):
        os.symlink('iter_9.pth', link)  # which is not there
    os.utime(old, (1, 1), follow_symlinks=False)
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [new]
