import os

import cv2
import numpy as np
import pytest

from mmseg_ssr.deploy.inputs import find_inputs, open_video
from mmseg_ssr.errors import DataError, MissingFile


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Makes empty files below the working directory."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
    return make


def names(*arguments, out='out'):
    return [(item.path, item.name) for item in find_inputs(arguments, out)]


def test_a_folder_keeps_its_folders(files):
    files('p/a.jpg', 'p/x/a.PNG', 'p/x/notes.txt', 'p/x/clip.mp4')
    assert names('p') == [('p/a.jpg', 'a'), ('p/x/a.PNG', 'x/a')]


def test_results_below_a_folder_are_no_inputs(files):
    files('p/a.jpg', 'p/out/overlay/a.png', 'p/outside/b.png')
    assert names('p', out='p/out') == [('p/a.jpg', 'a'), ('p/outside/b.png', 'outside/b')]
    assert names('p/**/*.png', out='p/out') == [('p/outside/b.png', 'outside/b')]


@pytest.mark.parametrize('out', ['p', '.'])
def test_results_in_the_folder_of_the_inputs_or_above(files, out):
    files('p/a.jpg', 'p/x/b.png')
    expected = [('p/a.jpg', 'a'), ('p/x/b.png', 'x/b')]
    assert names('p', out=out) == names('p/**/*', out=out) == expected
    files(*(f'{out}/{name}' for name in ('legend.png', 'overlay/a.png', 'label/x/b.png')))
    assert names('p', out=out) == names('p/**/*', out=out) == expected


@pytest.mark.parametrize('name', ['legend', 'label/a'])
def test_what_looks_like_a_result_is_the_users_unless_there_is_a_legend_with_it(files, name):
    files('p/b.jpg', f'p/{name}.png')
    assert names('p', out='p') == [('p/b.jpg', 'b'), (f'p/{name}.png', name)]


@pytest.mark.parametrize('argument, out, error', [
    ('p', 'p', DataError), ('p/overlay', 'p', DataError), ('.', 'p', DataError),
    ('p/*/*', 'p', MissingFile)])
def test_results_alone_are_no_inputs(files, argument, out, error):
    files('p/overlay/a.png', 'p/legend.png')
    with pytest.raises(error, match=f'(holds no|no image).* but what is in {out}, which counts '
                                    'as results: choose another --out'):
        find_inputs([argument], out)


def test_a_glob_names_from_where_it_branches(files):
    files('p/x/a.jpg', 'p/y/a.jpg', 'p/y/clip.avi')
    assert names('p/*/*') == [('p/x/a.jpg', 'x/a'), ('p/y/a.jpg', 'y/a'),
                              ('p/y/clip.avi', 'y/clip')]


def test_a_file_named_twice_is_one_input(files):
    files('p/a.jpg')
    assert names('p/a.jpg', 'p', './p/a.jpg') == [('p/a.jpg', 'a')]


def test_camera(files):
    camera, = find_inputs(['0'], 'out')
    assert camera == ('0', 'camera0', True)


@pytest.mark.parametrize('made, arguments', [
    (['p/a.jpg', 'p/a.png'], ['p']),
    (['p/a.jpg', 'q/a.jpg'], ['p', 'q']),
    (['a.avi', 'a.mp4'], ['a.avi', 'a.mp4']),
    (['p/a/000001.jpg', 'a.mp4'], ['p', 'a.mp4']),
])
def test_two_inputs_never_share_a_name(files, made, arguments):
    files(*made)
    with pytest.raises(DataError, match=r'would both have results of the name a(/000001)?: give'):
        find_inputs(arguments, 'out')


@pytest.mark.parametrize('argument, error, message', [
    ('nothing.jpg', MissingFile, 'input nothing.jpg is missing'),
    ('p/*.gif', MissingFile, r'no image or video fits p/\*.gif'),
    ('p', DataError, 'folder p holds no images'),
    ('p/notes.txt', DataError, 'neither an image .* nor a video'),
])
def test_what_is_no_input(files, argument, error, message):
    files('p/notes.txt')
    with pytest.raises(error, match=message):
        find_inputs([argument], 'out')


@pytest.fixture
def clip(tmp_path):
    """A video of five frames of 48 x 32, each of one gray; its path."""
    path = str(tmp_path / 'clip.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 12.5, (48, 32))
    assert writer.isOpened()
    for gray in range(0, 250, 50):
        writer.write(np.full((32, 48, 3), (gray, gray, 200), np.uint8))
    writer.release()
    return path


def test_frames_are_rgb_in_order(clip):
    with open_video(clip) as video:
        assert (video.count, video.rate) == (5, 12.5)
        frames = list(video.images)
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 5
    np.testing.assert_allclose([frame.mean((0, 1)) for frame in frames],
                               [(200, gray, gray) for gray in range(0, 250, 50)], atol=6)


def test_only_the_first_frames(clip):
    with open_video(clip, 2) as video:
        assert video.count == 2 and len(list(video.images)) == 2


def test_a_file_that_is_no_video(tmp_path):
    path = tmp_path / 'clip.mp4'
    path.write_bytes(os.urandom(100))
    with pytest.raises(DataError, match='clip.mp4 cannot be opened'), open_video(str(path)):
        pass


def test_no_such_camera():
    with pytest.raises(DataError, match='camera 97 cannot be opened'), open_video('97'):
        pass


def test_an_image_and_a_video_may_share_a_name(tmp_path):
    for name in ('IMG_1.png', 'IMG_1.mp4'):
        (tmp_path / name).touch()
    inputs = find_inputs([str(tmp_path / '*')], 'out')
    assert [(item.name, item.is_video) for item in inputs] == [('IMG_1', True), ('IMG_1', False)]


@pytest.mark.parametrize('argument, names', [
    ('p', ['a', 'sub/b']), ('p/**/*.png', ['a', 'sub/b']), ('p/**', ['a', 'sub/b']),
    ('**/b.png', ['p/sub/b']), ('p/*/*.png', ['b', 'self/a'])])
def test_a_link_into_its_own_folder_gives_each_file_once(tmp_path, monkeypatch, argument, names):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'p/sub').mkdir(parents=True)
    for name in ('a.png', 'sub/b.png'):
        (tmp_path / 'p' / name).touch()
    os.symlink('.', 'p/self')
    os.symlink('..', 'p/sub/up')
    found = find_inputs([argument], 'out')
    assert len({os.path.realpath(item.path) for item in found}) == len(found) == len(names)
    assert all(os.path.isfile(item.path) for item in found)
    if argument != 'p/*/*.png':
        assert [item.name for item in found] == names


def test_inputs_that_are_no_files_are_told_from_missing_ones(files):
    os.mkfifo('a.png')
    os.symlink('b.png', 'b.png')
    with pytest.raises(DataError, match='input a.png is a named pipe, expected a file'):
        names('a.png')
    with pytest.raises(DataError, match='input b.png .*its links lead in a circle, point them to'):
        names('b.png')
