import os

import pytest

from mmseg_ssr.errors import DataError
from mmseg_ssr.utils.folders import list_files


@pytest.fixture
def folder(tmp_path):
    for name in ('in/a/1.png', 'in/b/2.png', 'in/3.png', 'in/.cache/4.png', 'in/.5.png',
                 'out/6.png', 'out/more/7.png'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / 'in'


FILES = ['3.png', 'a/1.png', 'b/2.png']


@pytest.mark.parametrize('link, target', [
    ('self', '.'), ('0', '.'), ('up', '..'), ('a/up', '..'), ('a/top', '/'), ('A', 'a'),
    ('b/other', '../a'), ('a/self', '../a'), ('gone.png', 'nowhere/'), ('loop.png', 'loop.png')])
def test_links_to_where_files_are_listed_add_nothing(folder, link, target):
    os.symlink(target, folder / link)
    expected = [*FILES, link] if link.endswith('.png') else FILES  # they are no folders
    assert sorted(list_files(str(folder))) == sorted(expected)


@pytest.mark.parametrize('target, told', [
    ('nowhere', 'is a broken link to .*/in/nowhere'), ('gone', 'links lead in a circle')])
def test_a_folder_that_is_gone_is_told(folder, target, told):
    os.symlink(target, folder / 'gone')
    with pytest.raises(DataError, match=f'folder .*/in/gone .*{told}'):
        list_files(str(folder))


def test_other_folders_are_followed_once(folder):
    for link in ('x', 'y'):
        os.symlink('../out', folder / link)
    os.symlink('../../in', folder.parent / 'out/more/back')
    os.symlink('.cache', folder / 'kept')
    assert sorted(list_files(str(folder))) == [*FILES, 'kept/4.png', 'x/6.png', 'x/more/7.png']


def test_many_links_take_no_time(folder):
    for i in range(30):
        os.symlink('..', folder / f'a/{i}')
    assert sorted(list_files(str(folder))) == FILES


def test_hidden_ones_and_a_folder_that_is_a_link(folder):
    os.symlink('in', folder.parent / 'link')
    assert sorted(list_files(str(folder.parent / 'link'))) == FILES
    assert sorted(list_files(str(folder), hidden=True)) == sorted(
        [*FILES, '.5.png', '.cache/4.png'])
    assert list_files(str(folder / 'nowhere')) == []


def test_a_folder_that_cannot_be_read_is_named(folder, monkeypatch):
    (folder / 'lost+found').mkdir()
    scandir = os.scandir

    def refusing(path):
        if os.path.basename(path) in ('a', 'lost+found'):
            raise PermissionError(13, 'Permission denied', path)
        return scandir(path)

    with monkeypatch.context() as patch, pytest.raises(
            DataError, match=r'folder .*a cannot be read \(Permission denied\)'):
        patch.setattr(os, 'scandir', refusing)
        list_files(str(folder))
