"""The frames that a video file should have, from its own structure, and whether it is whole.

OpenCV gives fewer frames from a damaged file and does not say so. Its number of frames is an
estimate for many files. So the containers are read here: AVI, MP4 and MOV, MKV and WEBM.
"""
import os
import struct
from typing import BinaryIO, Iterator, List, NamedTuple, Optional, Tuple, Union

#: Part of a file: its name, and where its content begins and ends.
Part = Tuple[bytes, int, int]
#: Elements of Matroska: those that hold the others, and those that may follow each other.
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675
IN_SEGMENT = {CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1043A770, 0x1941A469,
              0x1254C367, 0xEC, 0xBF}
IN_CLUSTER = {0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0xAF, 0x5854, 0xEC, 0xBF}
MOVIES = (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip')


class Stated(NamedTuple):
    """What a video file should hold.

    Attributes:
        count: number of frames to be shown, None if the file does not say.
        is_whole: whether the file ends where its parts end, and holds known parts alone.
    """
    count: Optional[int] = None
    is_whole: bool = True


def stated_frames(path: Union[str, os.PathLike]) -> Stated:
    """Read the structure of a video file, without its frames. Other formats say nothing.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, 'rb') as file:
        size, head = os.fstat(file.fileno()).st_size, file.read(12)
        try:
            if head[:4] == b'RIFF':
                return _avi(file, size)
            if head[4:8] in MOVIES:
                return _movie(file, size)
            if head[:4] == b'\x1a\x45\xdf\xa3':
                return Stated(None, _is_whole_matroska(file, size))
        except (struct.error, IndexError):  # a part ends before its values
            return Stated(None, False)
    return Stated()


def _number(file: BinaryIO, place: int, kind: str) -> int:
    file.seek(place)
    return struct.unpack(kind, file.read(struct.calcsize(kind)))[0]


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[Part]:
    """The chunks of an AVI file. Lists are opened: their content follows."""
    while start + 8 <= end:
        file.seek(start)
        name, length = struct.unpack('<4sI', file.read(8))
        if name in (b'RIFF', b'LIST'):
            start += 12
            continue
        if not name.strip().isalnum():  # no chunk begins here
            return
        yield name, start + 8, start + 8 + length
        start += 8 + length + length % 2


def _avi(file: BinaryIO, size: int) -> Stated:
    stated = _number(file, 4, '<I') + 8
    count, streams, empty, data = None, 0, 0, b''
    for name, start, end in _chunks(file, 0, size):
        if name == b'strh':
            file.seek(start)
            if count is None and file.read(4) == b'vids':
                count, data = _number(file, start + 32, '<I'), b'%02d' % streams
            streams += 1
        elif data and name[:2] == data and name[2:] in (b'dc', b'db'):
            empty += start == end  # the frame before is shown again
    return Stated(count - empty if count else None, stated <= size + 1)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[Part]:
    """The boxes of an MP4 or MOV file. An end beyond the file's is given as it is stated."""
    while start + 8 <= end:
        file.seek(start)
        length, name = struct.unpack('>I4s', file.read(8))
        head = 8
        if length == 1:
            length, head = _number(file, start + 8, '>Q'), 16
        length = length or end - start
        if length < head:
            return
        yield name, start + head, start + length
        start += length


def _inside(file: BinaryIO, part: Part, *names: bytes) -> List[Part]:
    """The boxes inside of a box, along a path of names."""
    found = [part]
    for name in names:
        found = [box for outer in found for box in _boxes(file, *outer[1:]) if box[0] == name]
    return found


def _movie(file: BinaryIO, size: int) -> Stated:
    top = list(_boxes(file, 0, size))
    is_whole = all(end <= size for _, _, end in top)
    movies = [box for box in top if box[0] == b'moov']
    if not movies:
        return Stated(None, is_whole)
    tracks = [track for track in _inside(file, movies[0], b'trak')
              if any(_name_at(file, box[1] + 8) == b'vide'
                     for box in _inside(file, track, b'mdia', b'hdlr'))]
    if len(tracks) != 1 or _inside(file, movies[0], b'mvex'):  # OpenCV chooses, or parts follow
        return Stated(None, is_whole)
    samples = [box for name in (b'stsz', b'stz2')
               for box in _inside(file, tracks[0], b'mdia', b'minf', b'stbl', name)]
    count = _number(file, samples[0][1] + 8, '>I') if samples else 0
    if not count or _is_trimmed(file, movies[0], tracks[0], count):
        return Stated(None, is_whole)
    return Stated(count, is_whole)


def _name_at(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    return file.read(4)


def _times(file: BinaryIO, header: Part) -> Tuple[int, int]:
    """Units per second, and units, of a ``mvhd`` or ``mdhd``."""
    start = header[1]
    if _number(file, start, '>B'):
        return _number(file, start + 20, '>I'), _number(file, start + 24, '>Q')
    return _number(file, start + 12, '>I'), _number(file, start + 16, '>I')


def _is_trimmed(file: BinaryIO, movie: Part, track: Part, count: int) -> bool:
    """Whether an edit list shows less than the track holds."""
    lists = _inside(file, track, b'edts', b'elst')
    if not lists:
        return False
    start, long = lists[0][1], _number(file, lists[0][1], '>B')
    shown, kind = 0, '>QqI' if long else '>IiI'
    for i in range(_number(file, start + 4, '>I')):
        file.seek(start + 8 + i * struct.calcsize(kind))
        length, begins, _ = struct.unpack(kind, file.read(struct.calcsize(kind)))
        shown += length if begins >= 0 else 0
    per_second, _ = _times(file, _inside(file, movie, b'mvhd')[0])
    media_per_second, held = _times(file, _inside(file, track, b'mdia', b'mdhd')[0])
    seconds = held / media_per_second
    return bool(shown) and shown / per_second < seconds - 0.5 * seconds / count - 1 / per_second


def _is_whole_matroska(file: BinaryIO, size: int) -> bool:
    """Whether known elements follow each other to the end. Live recordings state no lengths."""
    place, allowed, ends = 0, {0x1A45DFA3, SEGMENT, 0xEC}, [size]
    while place < ends[-1]:
        file.seek(place)
        head = file.read(12)
        name, after = _variable(head, 0, with_mark=True)
        if name in IN_SEGMENT and len(ends) > 1:  # ends a cluster without a length too
            allowed = IN_SEGMENT | IN_CLUSTER
        if name not in allowed:
            return False
        length, begin = _variable(head, after)
        begin += place
        is_open = length == (1 << 7 * (begin - place - after)) - 1
        if not is_open and begin + length > size:
            return False
        if name in (SEGMENT, CLUSTER):
            allowed = IN_SEGMENT if name == SEGMENT else IN_SEGMENT | IN_CLUSTER
            ends[1:] = [size if is_open else begin + length] if name == SEGMENT else ends[1:]
            place = begin
        else:
            place = begin + length
    return True


def _variable(head: bytes, start: int, with_mark: bool = False) -> Tuple[int, int]:
    """A number of variable length, with the mark of its length or without, and where it ends."""
    length = 9 - head[start].bit_length()
    if length > 8:
        return -1, start + 1
    value = int.from_bytes(head[start:start + length], 'big')
    return value if with_mark else value & ((1 << 7 * length) - 1), start + length
