"""Predictions as files: overlay, label and confidence of each image, and one legend."""
import contextlib
import os
from typing import Callable, Iterator, List, Sequence, Tuple

import cv2
import numpy as np

from ..engine.testing.submission import LABEL_IDS, cityscapes_train_ids
from ..errors import ConfigError, DataError, UnwritableFile, UserError, nearest
from ..labels.files import encode_label
from ..utils.atomic_file import Part, atomic_path, make_folder, remove_leftovers, write_atomic
from ..utils.video_file import stated_frames
from ..visualization import draw_legend
from .inputs import Input
from .predictor import Prediction
from .result_files import FRAME, KINDS, LEGEND, frame_name

LABEL_KINDS = ('train', 'cityscapes')
LEGEND_WIDTH = 460
VIDEO = '.mp4'
#: Bytes that a video needs at least.
ROOM = 2**12


class Results:
    """The folder of results: ``KIND/NAME.png`` for each kind and image, and ``legend.png``.

    * overlay: the image with the classes painted over it; for a video ``overlay/NAME.mp4``.
    * label: one channel, the value of each pixel's class, colored by a palette.
    * confidence: one channel, 255 times the probability of the class.

    Every file is written completely or not at all.

    Args:
        out: path of the folder, which is made with the first file.
        classes, palette: names and colors (R, G, B) of the classes.
        kinds: the kinds to write.
        label_ids: values of labels: ``'train'`` for the position of the class, ``'cityscapes'``
            for its Cityscapes id (road is 7).
        opacity: opacity of the overlay, in (0, 1].

    Raises:
        ConfigError: a value is not valid, or a class has no Cityscapes id.
    """

    def __init__(self, out: str, classes: Sequence[str], palette: Sequence[Sequence[int]],
                 kinds: Sequence[str] = KINDS, label_ids: str = 'train', opacity: float = 0.5):
        for kind in kinds:
            if kind not in KINDS:
                raise ConfigError(f'results are {", ".join(KINDS)}, got {kind!r}'
                                  f'{nearest(kind, KINDS)}')
        if label_ids not in LABEL_KINDS:
            raise ConfigError(f'label ids are {" or ".join(LABEL_KINDS)}, got {label_ids!r}')
        if not 0 < opacity <= 1:
            raise ConfigError(f'opacity must be in (0, 1], got {opacity}')
        self.out, self.kinds, self.opacity = out, tuple(kinds), opacity
        self.classes, self.palette = classes, palette
        self.values = list(range(len(classes)))
        if label_ids == 'cityscapes':
            self.values = [LABEL_IDS[i] for i in cityscapes_train_ids(classes)]

    def path(self, kind: str, name: str, ending: str = '.png') -> str:
        """Path of one result."""
        return os.path.join(self.out, kind, name + ending)

    def check_inputs(self, inputs: Sequence[Input]) -> None:
        """Raise :class:`DataError` if a result would replace an input."""
        inputs_at = {place: item.path for item in inputs for place in _places(item.path)}
        for what, path in self._planned(inputs):
            if os.path.realpath(path) in inputs_at:
                raise DataError(f'the {what} would be written over the input '
                                f'{inputs_at[os.path.realpath(path)]}: choose another --out')

    def _planned(self, inputs: Sequence[Input]) -> Iterator[Tuple[str, str]]:
        """Yield each result in words with its path; for the frames of a video, their folder."""
        for item in inputs:
            for kind in self.kinds:
                ending = '.png'
                if item.is_video:
                    ending = VIDEO if kind == 'overlay' else ''
                yield f'{kind} of {item.path}', self.path(kind, item.name, ending)
        yield 'legend', self._legend

    @property
    def _legend(self) -> str:
        return os.path.join(self.out, LEGEND)

    def write_legend(self) -> None:
        """Draw the classes beside their colors."""
        self._write(self._legend, _png(draw_legend(self.classes, self.palette, LEGEND_WIDTH)))

    def write(self, name: str, prediction: Prediction) -> None:
        """Write all kinds for one image.

        Raises:
            UserError: no space is left, or permission is missing.
        """
        if 'overlay' in self.kinds:
            self._write(self.path('overlay', name), _png(prediction.overlay(self.opacity)))
        self._write_maps(name, prediction)

    @contextlib.contextmanager
    def video(self, name: str, rate: float) -> Iterator[Callable[[Prediction], None]]:
        """Give a function that writes the results of the next frame. The first is number 1.

        Labels and confidences are ``KIND/NAME/000001.png``, ... The overlay gets its name when the
        block ends. If an error or Ctrl-C ends it, the overlay holds the frames so far.

        Args:
            rate: frames per second.
        """
        with _overlay_video(self.path('overlay', name, VIDEO), rate) as add:
            count = 0

            def write(prediction: Prediction) -> None:
                nonlocal count
                count += 1
                if 'overlay' in self.kinds:
                    add(prediction.overlay(self.opacity))
                self._write_maps(os.path.join(name, frame_name(count)), prediction)

            yield write

    def _write_maps(self, name: str, prediction: Prediction) -> None:
        if 'label' in self.kinds:
            self._write(self.path('label', name),
                        encode_label(prediction.label, self.values, self.palette))
        if 'confidence' in self.kinds:
            self._write(self.path('confidence', name),
                        _png(np.rint(255 * prediction.confidence).astype(np.uint8)))

    @staticmethod
    def _write(path: str, content: bytes) -> None:
        make_folder(os.path.dirname(path))
        write_atomic(path, content)


def _places(path: str) -> List[str]:
    """The file, and also its folder if the file is named like a frame's result."""
    folder, name = os.path.split(os.path.realpath(path))
    return [os.path.join(folder, name), *([folder] if FRAME.fullmatch(name) else [])]


@contextlib.contextmanager
def _overlay_video(path: str, rate: float) -> Iterator[Callable[[np.ndarray], None]]:
    """Give a function that adds RGB frames. The first one makes the file."""
    writers: List[Callable[[np.ndarray], None]] = []
    with contextlib.ExitStack() as stack:
        def add(frame: np.ndarray) -> None:
            if not writers:
                make_folder(os.path.dirname(path))
                writers.append(stack.enter_context(_video_file(path, rate, frame.shape[:2])))
            writers[0](frame)

        yield add


@contextlib.contextmanager
def _video_file(path: str, rate: float,
                size: Sequence[int]) -> Iterator[Callable[[np.ndarray], None]]:
    """Give a function that adds RGB frames to a video, which is kept if an error ends the block."""
    failure, count = None, 0

    def add(frame: np.ndarray) -> None:
        nonlocal count
        count += 1
        writer.write(frame[..., ::-1])

    remove_leftovers(os.path.dirname(path) or '.')
    with atomic_path(path, ending=VIDEO) as part:
        with open(part, 'wb') as file:  # OpenCV would not say that there is no room
            file.write(bytes(ROOM))
        writer = _open_writer(part, rate, size)
        try:
            yield add
        except BaseException as error:
            failure = error
        writer.release()
        if not _holds(part, count):  # OpenCV does not say that it could not write
            raise failure or UnwritableFile(
                f'{path} could not be written whole, perhaps for lack of space: make room there '
                'and call again, or choose another folder')
    if failure is not None:
        raise failure


def _holds(path: str, count: int) -> bool:
    """Whether a video is whole and has that many frames."""
    stated = stated_frames(path)
    if stated.count is None:
        return stated.is_whole and cv2.VideoCapture(path).isOpened()
    return stated.is_whole and stated.count == count


def _open_writer(path: Part, rate: float, size: Sequence[int]) -> cv2.VideoWriter:
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), rate, tuple(size[::-1]))
    if not writer.isOpened():
        raise UserError('OpenCV here cannot write videos (mp4v): leave the overlay out (--save '
                        'label confidence), or install another build of OpenCV')
    return writer


def _png(picture: np.ndarray) -> bytes:
    """Encode H x W x 3 uint8 (RGB) or H x W uint8 as PNG."""
    return cv2.imencode('.png', picture[..., ::-1] if picture.ndim == 3 else picture)[1].tobytes()
