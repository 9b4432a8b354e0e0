import hashlib
import io
import json
import os
import signal
import socket
import time
from collections import namedtuple

import pytest
from file_server import FileServer

from mmseg_ssr.errors import CheckpointError, UserError
from mmseg_ssr.weights import Published, download
from mmseg_ssr.weights.sums import recorded_sum

CONTENT = bytes(range(256)) * 1000
SUM = hashlib.sha256(CONTENT).hexdigest()
OTHER = CONTENT[::-1]


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch):
    monkeypatch.setenv('no_proxy', '*')


@pytest.fixture
def server():
    server = FileServer(CONTENT)
    yield server
    server.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'new' / 'folder'


@pytest.fixture
def fetch(server, folder):
    """Fetches the server's file, whose sum is known unless the test says so."""

    def run(url=server.url, sha256=SUM[:8], **facts):
        one = Published('x', 'weights.pth', url, 'MIT', sha256, **facts)
        return download.fetch(one, folder / 'weights.pth')

    return run


def names(folder):
    return sorted(os.listdir(folder))


def assert_whole(folder, content=CONTENT):
    assert (folder / 'weights.pth').read_bytes() == content
    assert names(folder) == ['weights.pth', 'weights.pth.sha256']
    assert recorded_sum(folder / 'weights.pth') == hashlib.sha256(content).hexdigest()


# ---------------------------------------------------------------- what goes well
@pytest.mark.parametrize('sha256', [SUM, SUM[:8], None])
@pytest.mark.parametrize('says_size', [True, False])
def test_a_file_comes_whole_with_its_sum(server, fetch, folder, sha256, says_size):
    server.says_size = says_size
    assert fetch(sha256=sha256) is True
    assert_whole(folder)


def test_a_file_that_is_there_is_not_asked_for_again(server, fetch, folder):
    fetch()
    assert fetch() is False and len(server.asked) == 1
    assert_whole(folder)


def test_a_redirect_is_followed_also_for_the_rest(server, fetch, folder):
    server.breaks_after = 1000
    with pytest.raises(UserError):
        fetch(f'{server.root}/moved')
    server.breaks_after = None
    fetch(f'{server.root}/moved')
    assert server.asked == [None, 'bytes=1000-']
    assert_whole(folder)


def test_progress_is_told_in_bytes(server, folder):
    seen = []
    download.fetch(Published('x', 'weights.pth', server.url, 'MIT'), folder / 'weights.pth',
                   lambda *numbers: seen.append(numbers))
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen)


# ---------------------------------------------------------------- broken off
def break_off(server, fetch, after=1000, **facts):
    server.breaks_after = after
    with pytest.raises(UserError, match=f'broke off after {after} of {len(CONTENT)} bytes .*: call '
                                        'again, it goes on'):
        fetch(**facts)
    server.breaks_after = None


@pytest.mark.parametrize('sha256', [SUM, None])
def test_the_next_call_goes_on(server, fetch, folder, sha256):
    break_off(server, fetch, sha256=sha256)
    assert names(folder) == ['weights.pth.part', 'weights.pth.part.json']
    server.breaks_after = 500
    with pytest.raises(UserError, match='after 1500 of'):
        fetch(sha256=sha256)
    server.breaks_after = None
    fetch(sha256=sha256)
    assert server.asked == [None, 'bytes=1000-', 'bytes=1500-']
    assert_whole(folder)


def test_a_server_without_ranges_starts_again(server, fetch, folder):
    break_off(server, fetch)
    server.ranges = False
    fetch()
    assert server.asked == [None, 'bytes=1000-']
    assert_whole(folder)


@pytest.mark.parametrize('change', [dict(tag='"2"'), dict(tag=None), dict(content=OTHER + b'more')])
def test_a_file_that_has_changed_starts_again(server, fetch, folder, change):
    """Also without a known sum, which would tell of a mixture."""
    break_off(server, fetch, sha256=None)
    vars(server).update(dict(content=OTHER) | change)
    fetch(sha256=None)
    assert_whole(folder, server.content)


@pytest.mark.parametrize('claims', ['bytes 7-99/256000', 'bytes 1000-255999/*', 'nonsense'])
def test_a_part_that_is_another_than_was_asked_for_starts_again(server, fetch, folder, claims):
    break_off(server, fetch, sha256=None)
    server.claims = claims
    fetch(sha256=None)
    assert server.asked == [None, 'bytes=1000-', None]
    assert_whole(folder)


def test_a_new_start_that_breaks_off_at_once(server, fetch, folder):
    break_off(server, fetch, sha256=None)
    server.content, server.tag, server.breaks_after = CONTENT[:500], '"2"', 0
    with pytest.raises(UserError, match='after 0 of 500 bytes'):
        fetch(sha256=None)
    assert names(folder) == []


def test_a_file_that_has_become_shorter_than_the_part_starts_again(server, fetch, folder):
    break_off(server, fetch, sha256=None)
    server.content = CONTENT[:500]
    fetch(sha256=None)
    assert_whole(folder, CONTENT[:500])


def test_another_address_starts_again(server, fetch, folder):
    break_off(server, fetch)
    fetch(f'{server.root}/elsewhere')
    assert server.asked == [None, None]
    assert_whole(folder)


@pytest.mark.parametrize('damage', [b'', b'{', b'[]', b'{"url": 1}', None])
def test_a_part_of_unknown_origin_starts_again(server, fetch, folder, damage):
    break_off(server, fetch)
    path = folder / 'weights.pth.part.json'
    path.unlink() if damage is None else path.write_bytes(damage)
    fetch()
    assert server.asked == [None, None]
    assert_whole(folder)


def test_a_part_that_was_complete_needs_no_server(server, fetch, folder):
    """A kill between the last byte and the name."""
    fetch()
    os.rename(folder / 'weights.pth', folder / 'weights.pth.part')
    (folder / 'weights.pth.part.json').write_text(
        json.dumps(dict(url=server.url, tag='"1"', size=len(CONTENT))))
    fetch()
    assert len(server.asked) == 1
    assert_whole(folder)


def test_a_kill_keeps_the_part_and_its_lock_ends(server, fetch, folder):
    server.breaks_after, release = 1000, stalled(server)
    child = os.fork()
    if not child:
        fetch()
        os._exit(1)
    part = folder / 'weights.pth.part'
    wait_until(lambda: part.exists() and part.stat().st_size == 1000)
    with pytest.raises(UserError, match='is being downloaded by another process: wait for it'):
        fetch()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    release()
    server.breaks_after, server.after_body = None, lambda: None
    fetch()
    assert server.asked == [None, 'bytes=1000-']
    assert_whole(folder)


def stalled(server):
    """Let the server hold the connection open after what it sends. Returns what ends that."""
    ends = []
    server.after_body = lambda: wait_until(lambda: ends)
    return lambda: ends.append(True)


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# ---------------------------------------------------------------- not the file
def test_a_wrong_sum_leaves_no_file(server, fetch, folder):
    server.content = OTHER
    with pytest.raises(CheckpointError, match=f'sha256 is .*, not {SUM}: it was not kept'):
        fetch(sha256=SUM)
    assert names(folder) == []
    server.content = CONTENT
    fetch(sha256=SUM)
    assert_whole(folder)


def test_a_file_that_is_not_the_one_of_the_first_time(server, fetch, folder):
    """Without a published sum, the first download is what the next is compared with."""
    fetch(sha256=None)
    (folder / 'weights.pth').unlink()
    server.content = OTHER
    with pytest.raises(CheckpointError, match='as the last time: remove .*weights.pth.sha256'):
        fetch(sha256=None)
    assert names(folder) == ['weights.pth.sha256']
    (folder / 'weights.pth.sha256').unlink()
    fetch(sha256=None)
    assert_whole(folder, OTHER)


def test_another_file_that_is_there_stays(server, fetch, folder):
    folder.mkdir(parents=True)
    (folder / 'weights.pth').write_bytes(OTHER)
    with pytest.raises(CheckpointError, match='is not the file that is expected there'):
        fetch_known(server, folder)
    assert (folder / 'weights.pth').read_bytes() == OTHER and server.asked == []
    (folder / 'weights.pth').rename(folder / 'away')
    fetch_known(server, folder)
    assert (folder / 'weights.pth').read_bytes() == CONTENT


def fetch_known(server, folder):
    """Fetch a file whose name has a published sum."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download, 'published_sum', lambda path: SUM)
        return download.fetch(Published('x', 'weights.pth', server.url, 'MIT', SUM),
                              folder / 'weights.pth')


def test_a_file_that_was_replaced_since_the_download(fetch, folder):
    fetch()
    (folder / 'weights.pth').write_bytes(OTHER)
    with pytest.raises(CheckpointError, match='if you have replaced it, remove .*.sha256 instead'):
        fetch()
    (folder / 'weights.pth.sha256').unlink()
    assert fetch() is False
    assert_whole(folder, OTHER)


@pytest.mark.parametrize('facts, change, message', [
    ({}, dict(kind='text/html; charset=utf-8'), 'gives a page'),
    (dict(size=77), {}, f'gives {len(CONTENT)} bytes, not 77')])
def test_a_page_or_a_wrong_size_is_refused_at_once(server, fetch, folder, facts, change, message):
    vars(server).update(change)
    with pytest.raises(CheckpointError, match=message):
        fetch(sha256=None, **facts)
    assert names(folder) == []


# ---------------------------------------------------------------- no file
@pytest.mark.parametrize('status', [403, 404, 500, 503])
def test_an_answer_without_the_file(server, fetch, folder, status):
    server.status = status
    with pytest.raises(UserError, match=rf'weights.pth: the server answers {status} \w.*put it to '
                                        f'{folder}/weights.pth$'):
        fetch()
    assert names(folder) == []


def test_a_redirect_in_a_circle(server, fetch):
    with pytest.raises(UserError, match='the server answers 302'):
        fetch(f'{server.root}/loop')


def test_offline_the_address_and_the_place_are_told(fetch, folder):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))  # nobody listens
        url = f'http://127.0.0.1:{free.getsockname()[1]}/x.pth'
        with pytest.raises(UserError) as error:
            fetch(url, also='https://other.org/x')
    text = str(error.value)
    assert text.startswith(f'{url}: there is no connection (') and 'refused' in text
    assert text.endswith(f'call again later, or get that file (or one of https://other.org/x) on '
                         f'another machine and put it to {folder}/weights.pth')
    assert names(folder) == [] and '\n' not in text


def test_an_unknown_host(fetch):
    with pytest.raises(UserError, match='there is no connection'):
        fetch('http://nowhere.invalid/x.pth')


def test_a_server_that_says_nothing(server, fetch, folder, monkeypatch):
    monkeypatch.setattr(download, 'PATIENCE', 0.1)
    server.breaks_after, release = 1000, stalled(server)
    with pytest.raises(UserError, match='broke off after 1000 of .*timed out'):
        fetch()
    release()


# ---------------------------------------------------------------- no space
def test_too_little_space_is_told_before_the_first_byte(fetch, folder, monkeypatch):
    usage = namedtuple('usage', 'free')
    monkeypatch.setattr(download.shutil, 'disk_usage', lambda path: usage(1000))
    with pytest.raises(UserError, match=f'{len(CONTENT)} more bytes are to come, 1000 are free'):
        fetch()


def test_a_disk_that_fills_up(server, fetch, folder):
    """The part that was written counts when there is room."""
    import resource
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50000, limits[1]))
    try:
        with pytest.raises(UserError, match='part cannot be written .File too large.: make room'):
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert 'weights.pth' not in names(folder)
    fetch()
    assert server.asked == [None, 'bytes=50000-']
    assert_whole(folder)


def test_a_disk_that_takes_a_part_of_what_is_written():
    class Slow(io.BytesIO):
        def write(self, chunk):
            return super().write(chunk[:3])

    file = Slow()
    download._write_all(file, b'12345678')
    assert file.getvalue() == b'12345678'


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_a_folder_that_may_not_be_written(fetch, folder):
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    with pytest.raises(PermissionError):
        fetch()
