import os

import pytest

from mmseg_ssr.datasets.atomic_file import write_atomic


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
