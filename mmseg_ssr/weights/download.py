"""Download of published files. One that was broken off goes on, one that is wrong is not kept."""
import contextlib
import fcntl
import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any, Callable, Iterator, NamedTuple, Optional, Tuple

from ..errors import CheckpointError, MissingFile, UserError, said
from ..utils.atomic_file import PathLike, make_folder, write_atomic
from ..utils.paths import check_file, read_text
from .published import Published, published_sum
from .sums import other_sum, record_sum, recorded_sum, sha256, sum_file

#: Most bytes of one step.
CHUNK = 2 ** 20
#: Seconds without a byte after which a connection counts as broken.
PATIENCE = 60
#: Errors of a connection.
BROKEN = (OSError, http.client.HTTPException, ValueError)
#: A function that is called with the bytes so far and those in total, or None if unknown.
Progress = Callable[[int, Optional[int]], None]


def fetch(one: Published, path: PathLike, progress: Progress = lambda done, total: None) -> bool:
    """Download a published file to ``path``, unless it is there.

    The bytes so far lie in ``PATH.part``. After an error, a signal or a kill, the next call goes on
    from there if the server still has the same file and sends parts. ``PATH`` appears in one step
    when all bytes are there and their sum is right. ``PATH.sha256`` then holds the sum.

    Returns:
        Whether it was downloaded.

    Raises:
        UserError: the address cannot be reached or has no such file, the connection broke off, no
            space is left, or another process downloads the file now.
        CheckpointError: the file is not the published one, or not the one that was downloaded
            before.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        make_folder(os.path.dirname(path))
        with _part_of(path) as part:
            if not os.path.exists(path):  # no other process has finished meanwhile
                Transfer(one, path, part, progress).run()
                return True
    _check_present(path)
    return False


def _check_present(path: str) -> None:
    """Compare a file with its sums, and record its sum. Nothing is removed."""
    digest = sha256(path)
    expected = other_sum(path, digest, published_sum(path))
    if expected:
        changed = (f' (if you have replaced it, remove {sum_file(path)} instead)'
                   if expected == recorded_sum(path) else '')
        raise CheckpointError(f'{path} is not the file that is expected there, its sha256 is '
                              f'{digest}, not {expected}: move it away, then call again{changed}')
    record_sum(path, digest)


class Version(NamedTuple):
    """What tells whether a server still has the same file.

    Attributes:
        url: address of the file.
        tag: the server's mark of this state of the file, or the time of its last change.
        size: number of bytes, None if the server does not say.
    """

    url: str
    tag: str
    size: Optional[int]


class Transfer:
    """The way of a file from its address to its path.

    Args:
        part: the bytes so far, open for appending without a buffer.
    """

    def __init__(self, one: Published, path: str, part: Any, progress: Progress):
        self.one, self.path, self.part, self.progress = one, path, part, progress
        self._version_file = _version_file(part.name)

    def run(self) -> None:
        """Receive what is missing, check it, and give the file its name."""
        known, done = self._known_version(), self.part.seek(0, os.SEEK_END)
        if known is None or known.size != done:
            self._receive(known, done)
        os.fsync(self.part.fileno())
        digest = sha256(self.part.name)
        expected = other_sum(self.path, digest, self.one.sha256)
        if expected:
            _remove(self.part.name, self._version_file)
            changed = (f' as the last time: remove {sum_file(self.path)} to accept it'
                       if expected == recorded_sum(self.path) else '')
            raise self._refused(f'a file whose sha256 is {digest}, not {expected}{changed}')
        record_sum(self.path, digest)
        os.replace(self.part.name, self.path)
        _remove(self._version_file)

    def _receive(self, known: Optional[Version], done: int) -> None:
        """Append what is missing. Start again if it is not ``known`` that the file is the same."""
        response = self._ask(done if known else 0)
        version, start = _version(self.one.url, response)
        if start and (version, start) != (known, done):
            response.close()
            response = self._ask(0)
            version, start = _version(self.one.url, response)
        with response, self._disk_errors_explained():
            self._check_answer(response, version)
            self.part.truncate(start)
            self.part.seek(start)
            write_atomic(self._version_file, json.dumps(version._asdict()).encode())
            self._check_room((version.size or self.one.size or 0) - start)
            for chunk in self._chunks(response, version.size):
                _write_all(self.part, chunk)
                self.progress(self.part.tell(), version.size)
        if version.size is not None and self.part.tell() < version.size:
            raise self._broken_off(version.size, 'the server closed it')

    def _ask(self, start: int) -> Any:
        """Open the address from byte ``start``. The answer may nevertheless be the whole file."""
        headers = {'User-Agent': 'mmseg_ssr', **({'Range': f'bytes={start}-'} if start else {})}
        request = urllib.request.Request(self.one.url, headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
                return self._ask(0)
            reason = f'the server answers {error.code} {error.reason}'
        except BROKEN as error:
            reason = f'there is no connection ({said(getattr(error, "reason", None) or error)})'
        raise UserError(f'{self.one.url}: {reason}: call again later, or {self._by_hand()}')

    def _check_answer(self, response: Any, version: Version) -> None:
        """Refuse a page or a file of another size before it is received."""
        if response.headers.get_content_type() == 'text/html':
            raise self._refused('a page, as networks do that ask for a login')
        if self.one.size is not None and version.size not in (None, self.one.size):
            raise self._refused(f'{version.size} bytes, not {self.one.size}')

    def _check_room(self, count: int) -> None:
        free = shutil.disk_usage(os.path.dirname(self.path) or '.').free
        if free < count:
            raise UserError(f'{self.path}: {count} more bytes are to come, {free} are free on the '
                            'disk: make room, then call again')

    def _chunks(self, response: Any, size: Optional[int]) -> Iterator[bytes]:
        while True:
            try:
                chunk = response.read1(CHUNK)
            except BROKEN as error:
                raise self._broken_off(size, said(error)) from error
            if not chunk:
                return
            yield chunk

    def _known_version(self) -> Optional[Version]:
        """Return the version that the part is of. None is for none, and for another address."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            version = Version(**json.loads(read_text(self._version_file, 'note')))
            return version if version.url == self.one.url else None
        return None

    # -------------------------------------------------------------- errors
    @contextlib.contextmanager
    def _disk_errors_explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(f'{self.part.name} cannot be written ({error.strerror}): make room, '
                            'then call again, it goes on from there') from error

    def _broken_off(self, size: Optional[int], reason: str) -> UserError:
        return UserError(f'{self.one.url}: the connection broke off after {self.part.tell()} of '
                         f'{size or "unknown"} bytes ({reason}): call again, it goes on from there')

    def _refused(self, found: str) -> CheckpointError:
        return CheckpointError(f'{self.one.url} gives {found}: it was not kept, call again, or '
                               f'{self._by_hand()}')

    def _by_hand(self) -> str:
        also = f' (or one of {self.one.also})' if self.one.also else ''
        return f'get that file{also} on another machine and put it to {self.path}'


def _version(url: str, response: Any) -> Tuple[Version, int]:
    """Return the version that an answer is of, and the byte that it starts with."""
    headers = response.headers
    tag = headers.get('ETag') or headers.get('Last-Modified') or ''
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        part = re.match(r'bytes (\d+)-\d+/(\d+)', headers.get('Content-Range') or '')
        start, size = map(int, part.groups()) if part else (-1, 0)
        return Version(url, tag, size), start
    size = headers.get('Content-Length') or ''
    return Version(url, tag, int(size) if size.isdecimal() else None), 0


def _version_file(part: str) -> str:
    return f'{part}.json'


def _remove(*paths: str) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _write_all(file: Any, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest):]


@contextlib.contextmanager
def _part_of(path: str) -> Iterator[Any]:
    """Open the part of a file, with a lock that other processes respect. No empty part remains.

    Raises:
        UserError: another process holds the lock.
    """
    with contextlib.suppress(MissingFile):
        check_file(f'{path}.part', 'begun download')
    with open(f'{path}.part', 'ab', buffering=0) as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f'{path} is being downloaded by another process: wait for it') from None
        except OSError:  # the file system has no locks
            pass
        try:
            yield part
        finally:
            if os.fstat(part.fileno()).st_size == 0:
                _remove(part.name, _version_file(part.name))
