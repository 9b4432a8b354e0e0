import struct

import cv2
import numpy as np
import pytest

from mmseg_ssr.deploy.inputs import check_complete, open_video
from mmseg_ssr.errors import DataError
from mmseg_ssr.utils.video_file import Stated, stated_frames

#: Codec and ending -> whether the file states the number of its frames.
KINDS = {('MJPG', 'avi'): True, ('XVID', 'avi'): True, ('mp4v', 'mp4'): True,
         ('mp4v', 'mov'): True, ('MJPG', 'mov'): True, ('mp4v', 'm4v'): True,
         ('FFV1', 'mkv'): False, ('mp4v', 'mkv'): False, ('VP80', 'webm'): False,
         ('VP90', 'webm'): False, ('mpg2', 'mpg'): False}


def video(path, codec, frames=12):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, (96, 64))
    if not writer.isOpened():
        pytest.skip(f'this OpenCV cannot write {codec} into {path.suffix}')
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    for i in range(frames):
        writer.write(np.roll(noise, 3 * i, axis=1))
    writer.release()
    return str(path)


def read(path):
    with open_video(path) as found:
        return sum(1 for _ in found.images)


@pytest.mark.parametrize('frames', [1, 12])
@pytest.mark.parametrize('codec, ending', KINDS)
def test_a_whole_video_is_complete(tmp_path, codec, ending, frames):
    path = video(tmp_path / f'a.{ending}', codec, frames)
    assert stated_frames(path) == Stated(frames if KINDS[codec, ending] else None, True)
    check_complete(path, read(path))


@pytest.mark.parametrize('codec, ending', [
    ('MJPG', 'avi'), ('XVID', 'avi'), ('FFV1', 'mkv'), ('VP80', 'webm'), ('VP90', 'webm')])
def test_a_video_that_was_cut_off_is_not(tmp_path, codec, ending):
    path = video(tmp_path / f'a.{ending}', codec)
    content = (tmp_path / f'a.{ending}').read_bytes()
    (tmp_path / f'a.{ending}').write_bytes(content[:len(content) * 6 // 10])
    count = read(path)
    assert 0 < count < 12
    with pytest.raises(DataError, match=f'a.{ending} is damaged.*{count} .*results are kept'):
        check_complete(path, count)


@pytest.mark.parametrize('codec, ending', [
    ('MJPG', 'avi'), ('XVID', 'avi'), ('mp4v', 'mp4'), ('FFV1', 'mkv'), ('VP80', 'webm')])
def test_a_video_with_a_hole_is_not(tmp_path, codec, ending):
    path = video(tmp_path / f'a.{ending}', codec)
    content = bytearray((tmp_path / f'a.{ending}').read_bytes())
    middle = len(content) // 2
    content[middle:middle + 9000] = bytes(9000)
    (tmp_path / f'a.{ending}').write_bytes(content)
    count = read(path)
    assert 0 < count < 12
    with pytest.raises(DataError, match=f'a.{ending} is damaged'):
        check_complete(path, count)


@pytest.mark.parametrize('begin', [0, 3])
def test_a_trimmed_video_is_complete(tmp_path, begin):
    """An edit list, as phones write it, shows a part of what the file holds."""
    path = video(tmp_path / 'a.mp4', 'mp4v')
    content = bytearray((tmp_path / 'a.mp4').read_bytes())
    edits, media = content.index(b'elst'), content.index(b'mdhd')
    units = struct.unpack('>I', content[media + 16:media + 20])[0]
    content[edits + 12:edits + 20] = struct.pack('>II', 600, begin * units // 10)
    (tmp_path / 'a.mp4').write_bytes(content)
    count = read(path)
    assert 0 < count < 12 and stated_frames(path).count is None
    check_complete(path, count)


def test_a_frame_that_is_shown_twice_is_not_missing(tmp_path):
    """A capture of AVI marks a frame that it dropped by a chunk without content."""
    path = video(tmp_path / 'a.avi', 'MJPG')
    content = bytearray((tmp_path / 'a.avi').read_bytes())
    header, place = content.index(b'vids'), content.index(b'00dc', content.index(b'movi'))
    content[header + 32:header + 36] = struct.pack('<I', 14)
    content[place:place] = b'00dc\0\0\0\0' * 2
    (tmp_path / 'a.avi').write_bytes(content)
    assert stated_frames(path).count == 12


def test_a_live_recording_states_no_lengths(tmp_path):
    path = video(tmp_path / 'a.webm', 'VP80')
    content = bytearray((tmp_path / 'a.webm').read_bytes())
    for name in (b'\x18\x53\x80\x67', b'\x1f\x43\xb6\x75'):  # segment and cluster
        place = content.index(name) + 4
        width = 9 - content[place].bit_length()
        content[place:place + width] = ((1 << 7 * width + 1) - 1).to_bytes(width, 'big')
    (tmp_path / 'a.webm').write_bytes(content)
    assert stated_frames(path).is_whole
    check_complete(path, read(path))


@pytest.mark.parametrize('content', [
    b'', b'RIFF', b'RIFF\xff\xff\0\0AVI LIST', b'\0\0\0\x08moov', b'\x1a\x45\xdf\xa3', b'\0' * 99,
    b'\0\0\0\x20ftypisom', b'\0\0\0\0moov' + b'\xff' * 40, b'\x1a\x45\xdf\xa3' + b'\0' * 40,
    b'\0\0\0\x01mdat', b'text'])
def test_any_bytes_are_read_to_an_end(tmp_path, content):
    (tmp_path / 'a').write_bytes(content)
    assert stated_frames(tmp_path / 'a').count is None


def test_random_damage_is_read_to_an_end(tmp_path):
    rng = np.random.default_rng(0)
    for codec, ending in (('MJPG', 'avi'), ('mp4v', 'mp4'), ('VP80', 'webm')):
        path = video(tmp_path / f'a.{ending}', codec, 3)
        content = (tmp_path / f'a.{ending}').read_bytes()
        for _ in range(200):
            damaged = np.frombuffer(content, np.uint8).copy()
            damaged[rng.integers(0, len(damaged), 20)] = rng.integers(0, 256, 20)
            (tmp_path / f'a.{ending}').write_bytes(damaged.tobytes())
            stated_frames(path)


def test_a_camera_has_no_end():
    check_complete('0', 3)
