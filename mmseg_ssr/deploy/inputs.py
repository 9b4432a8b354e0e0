"""The inputs to predict: files, folders, globs, videos and cameras, as one list."""
import contextlib
import fnmatch
import glob
import os
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from ..errors import DataError, MissingFile
from ..utils.folders import list_files
from ..utils.paths import check_file, is_folder
from ..utils.video_file import stated_frames
from .result_files import earlier_results

IMAGES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm')
VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')
#: Frames per second for a video or camera that states no rate.
DEFAULT_RATE = 25.


class Input(NamedTuple):
    """An image file, or a video or camera.

    Attributes:
        path: path of the file, or index of the camera.
        name: path of its results without ending, relative to the folder of results.
        is_video: whether it has frames to read.
    """
    path: str
    name: str
    is_video: bool = False


def find_inputs(arguments: Sequence[str], out: str) -> List[Input]:
    """Find the inputs that the arguments of a command name.

    Args:
        arguments: image and video files, folders (all images below them; their results go to
            the same folders), globs (``**`` for any depth), and indices of cameras. A file that
            is named twice is one input.
        out: folder of the results. Folders and globs skip everything below it. If it is or
            contains the named folder, they skip only the results of an earlier command.

    Raises:
        MissingFile: an argument names nothing that exists.
        DataError: a file is of another kind, a folder holds no images, or two inputs would have
            results of the same name.
    """
    inputs: Dict[str, Input] = {}
    for argument in arguments:
        for item in _of_argument(argument, out):
            inputs.setdefault(item.path if _is_camera(item.path) else os.path.realpath(item.path),
                              item)
    _check_names(list(inputs.values()))
    return list(inputs.values())


def _check_names(inputs: Sequence[Input]) -> None:
    """Raise :class:`DataError` for results of one name. A video's frames have a folder."""
    by_name: Dict[Tuple[str, bool], Input] = {}
    pairs = [(by_name.setdefault((item.name, item.is_video), item), item) for item in inputs]
    pairs += [(by_name[parent, True], item) for item in inputs for parent in _parents(item.name)
              if (parent, True) in by_name]
    for other, item in pairs:
        if other is not item:
            raise DataError(
                f'{other.path} and {item.path} would both have results of the name {other.name}: '
                'give the folder that both are in, a glob that leaves one out, or predict them '
                'into different folders (--out)')


def _parents(name: str) -> Iterator[str]:
    while os.path.dirname(name):
        name = os.path.dirname(name)
        yield name


def _of_argument(argument: str, out: str) -> List[Input]:
    if is_folder(argument, 'input'):
        return _of_folder(argument, out)
    if os.path.isfile(argument):
        return [_of_file(argument)]
    if _is_camera(argument):
        return [Input(argument, f'camera{argument}', True)]
    if not glob.has_magic(argument):
        check_file(argument, 'input', 'give images, folders, globs, video files or the index of a '
                                      'camera')
    root = _fixed_folder(argument)
    found = [path for path in sorted(_fitting(argument, root))
             if os.path.isfile(path) and path.lower().endswith((*IMAGES, *VIDEOS))]
    paths = _without_results(found, root, out)
    if not paths:
        raise MissingFile(f'no image or video fits {argument}{_but_results(found, out)}')
    return [_of_file(path, root) for path in paths]


def _of_folder(folder: str, out: str) -> List[Input]:
    found = [os.path.join(folder, name) for name in list_files(folder, hidden=True)
             if name.lower().endswith(IMAGES)]
    paths = sorted(_without_results(found, folder, out))
    if not paths:
        raise DataError(f'folder {folder} holds no images ({", ".join(IMAGES)})'
                        f'{_but_results(found, out)}')
    return [_of_file(path, folder) for path in paths]


def _without_results(paths: Sequence[str], folder: str, out: str) -> List[str]:
    """Drop the paths below ``out``. All paths are below ``folder``.

    If ``folder`` itself is below ``out``, only results of an earlier command are dropped: the
    other files are the user's.
    """
    out = os.path.realpath(out)
    results = earlier_results(out) if _below(folder, [out]) else [out]
    return [path for path in paths if not _below(path, results)]


def _but_results(found: Sequence[str], out: str) -> str:
    return f' but what is in {out}, which counts as results: choose another --out' if found else ''


def _of_file(path: str, root: Optional[str] = None) -> Input:
    ending = os.path.splitext(path)[1].lower()
    if ending not in (*IMAGES, *VIDEOS):
        raise DataError(f'input {path} is neither an image ({", ".join(IMAGES)}) nor a video '
                        f'({", ".join(VIDEOS)}) by its ending')
    name = os.path.basename(path) if root is None else os.path.relpath(path, root)
    return Input(path, os.path.splitext(name)[0], ending in VIDEOS)


def _fitting(pattern: str, root: str) -> List[str]:
    """Files that fit a glob below ``root``. Python's follows links in circles."""
    if '**' not in pattern:
        return glob.glob(pattern)
    inner = os.path.relpath(pattern, root).replace(os.sep, '/').split('/')
    return [os.path.join('' if root == '.' and not pattern.startswith('.') else root, name)
            for name in list_files(root) if _fits(name.split('/'), inner)]


def _fits(names: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == '**':
        return any(_fits(names[i:], patterns[1:]) for i in range(len(names) + 1)) \
            or len(patterns) == 1
    return bool(names) and fnmatch.fnmatch(names[0], patterns[0]) and _fits(names[1:],
                                                                           patterns[1:])


def _fixed_folder(pattern: str) -> str:
    """The part of a glob before the first folder with a wildcard in it."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder or '.'


def _below(path: str, places: Sequence[str]) -> bool:
    """Whether the path is one of these files or folders, or below one."""
    return os.path.join(os.path.realpath(path), '').startswith(
        tuple(os.path.join(place, '') for place in places))


def _is_camera(argument: str) -> bool:
    return argument.isdecimal()


class Frames(NamedTuple):
    """An open video.

    Attributes:
        images: its frames, H x W x 3 uint8, RGB.
        count: number of frames by its header, None if unknown, as for cameras.
        rate: frames per second.
    """
    images: Iterator[np.ndarray]
    count: Optional[int]
    rate: float


@contextlib.contextmanager
def open_video(path: str, most: Optional[int] = None) -> Iterator[Frames]:
    """Open a video file, or the camera with that index.

    Args:
        most: the largest number of frames to read.

    Raises:
        MissingFile, DataError: it cannot be opened.
    """
    is_camera = _is_camera(path) and not os.path.isfile(path)
    if not is_camera:
        check_file(path, 'video')
    capture = cv2.VideoCapture(int(path) if is_camera else path)
    try:
        if not capture.isOpened():
            raise DataError(f'camera {path} cannot be opened: is it there, and in no other use?'
                            if is_camera else f'video {path} cannot be opened: it is damaged, or '
                            'OpenCV has no decoder for it')
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        count = min(filter(None, (max(0, count), most)), default=None)
        rate = capture.get(cv2.CAP_PROP_FPS)
        yield Frames(_frames(capture, most), count, rate if 0 < rate < 1000 else DEFAULT_RATE)
    finally:
        capture.release()


def check_complete(path: str, read: int) -> None:
    """Check that a video gave all its frames. OpenCV ends early without a word.

    Args:
        path: path of the video, or index of the camera, which has no end.
        read: number of frames that were read.

    Raises:
        DataError: frames are missing.
    """
    if not os.path.isfile(path):
        return
    stated = stated_frames(path)
    if stated.count is not None and read < stated.count:
        raise DataError(f'video {path} is damaged: {read} of its {stated.count} frames can be '
                        'read, and their results are kept; fetch it again')
    if stated.count is None and not stated.is_whole:
        raise DataError(f'video {path} is damaged or was cut off: {read} frames can be read, and '
                        'their results are kept; fetch it again')


def _frames(capture: cv2.VideoCapture, most: Optional[int]) -> Iterator[np.ndarray]:
    read = 0
    while most is None or read < most:
        there, frame = capture.read()
        if not there:
            return
        read += 1
        yield np.ascontiguousarray(frame[..., ::-1])
