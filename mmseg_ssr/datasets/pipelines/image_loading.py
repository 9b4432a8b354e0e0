"""Reading of image files by the loading step of a pipeline, with the right pixels or an error."""
import contextlib
import copy
import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import cv2
import mmcv
import numpy as np
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.pipelines import LoadAnnotations, LoadImageFromFile

from ...errors import ConfigError, DataError, UserError, said, unreadable
from ...labels.files import image_size
from ...labels.image_header import needs_pillow, samples_of
from ...utils.paths import check_file
from ...utils.registration import register

PathLike = Union[str, os.PathLike]
#: Values of ``color_type`` and ``imdecode_backend`` that turn images by their EXIF data.
TURNING = ('color', 'grayscale'), ('cv2', 'pillow')


@register(PIPELINES)
class LoadScaledImage(LoadImageFromFile):
    """Loads images of 16 bits or of fractions: ``low`` becomes black (0), ``high`` white (255).

    It takes the place of ``LoadImageFromFile`` in all pipelines of a config. Images of 12 bits in
    files of 16 have ``low=0, high=4095``. A fourth band is left out, a gray one is repeated.

    Args:
        low: value that becomes 0. Lower ones become 0 too.
        high: value that becomes 255. Higher ones become 255 too.
        to_float32, file_client_args: as in mmseg. ``to_float32=True`` does not round.

    Raises:
        ConfigError: ``high`` is not above ``low``.
        ValueError: on access, the file does not decode.
    """

    def __init__(self, low: float, high: float, to_float32: bool = False,
                 file_client_args: Optional[Dict[str, Any]] = None):
        super().__init__(to_float32, file_client_args=file_client_args or dict(backend='disk'))
        if not low < high:
            raise ConfigError(f'LoadScaledImage: high must be above low, got low={low}, '
                              f'high={high}')
        self.low, self.high = low, high

    def __call__(self, results: Dict) -> Dict:
        if self.file_client is None:
            self.file_client = mmcv.FileClient(**self.file_client_args)
        file = path_of(results)
        content = np.frombuffer(self.file_client.get(file), np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
        if image is None:
            raise ValueError('no image that OpenCV reads')
        image = (image.astype(np.float32) - self.low) * (255 / (self.high - self.low))
        image = np.clip(image, 0, 255)
        if not self.to_float32:
            image = np.rint(image).astype(np.uint8)
        return as_loaded(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2),
                         results, file)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(low={self.low}, high={self.high})'


class CheckedImage:
    """A step that loads an image with the right pixels, or stops with one clear line.

    The header of a file costs about 10 microseconds, for a TIFF 70. See
    :func:`~mmseg_ssr.labels.image_header.needs_pillow`.

    Args:
        load: mmseg's ``LoadImageFromFile``, or a step with its keys.

    Raises:
        MissingFile: the image has vanished since the data set was listed.
        DataError: the image cannot be decoded, or its bands and bits do not fit the step.
    """

    def __init__(self, load: Callable[[Dict], Dict]):
        self.load = load

    def __call__(self, results: Dict) -> Dict:
        file = path_of(results)
        try:
            return self._loader(file)(results)
        except UserError:
            raise
        except Exception as error:  # damage makes decoders raise errors of any kind
            raise self._meaning(file, error) from error

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.load!r})'

    @property
    def is_mmsegs(self) -> bool:
        """Whether the step reads as mmseg's does. A class of one's own may read in any way."""
        return (isinstance(self.load, LoadImageFromFile)
                and type(self.load).__call__ is LoadImageFromFile.__call__)

    def size(self, path: PathLike) -> Tuple[int, int]:
        """(width, height) of an image as the step loads it. A step of one's own has to load it.

        Raises:
            MissingFile, DataError: see above.
        """
        if self.is_mmsegs:
            self._loader(os.fspath(path))  # which refuses other bands
            turns = (self.load.color_type in TURNING[0]
                     and self.load.imdecode_backend in TURNING[1])
            with contextlib.suppress(DataError):  # loading tells, and knows further kinds
                return image_size(path, turned=turns)
        height, width = load_file(self, path)['img'].shape[:2]
        return width, height

    def _loader(self, file: str) -> Callable[[Dict], Dict]:
        """The step, or a copy that reads this file by Pillow."""
        if getattr(self.load, 'file_client_args', dict(backend='disk')) != dict(backend='disk'):
            return self.load
        check_file(file, 'image')
        if not self.is_mmsegs or self.load.imdecode_backend == 'tifffile' or not needs_pillow(
                file, unchanged=self.load.color_type == 'unchanged'):
            return self.load
        load = copy.copy(self.load)
        load.imdecode_backend = 'pillow'
        return load

    def _meaning(self, file: str, error: Exception) -> UserError:
        if isinstance(error, OSError) and error.errno is not None:
            return unreadable(file, 'image', error)
        if not self.is_mmsegs and not isinstance(self.load, LoadScaledImage):
            return DataError(f'image {file} is not loaded by {type(self.load).__name__}: '
                             f'{said(error)}')
        samples = samples_of(file) if os.path.isfile(file) else None
        held = f' Its header says {samples}.' if samples else ''
        return DataError(f'image {file} does not decode. It is damaged, no image, or of a kind '
                         f'that is not read.{held} Fetch it again, or save it as PNG')


def refused(error: cv2.error, image: Optional[np.ndarray]) -> str:
    """Say for which image OpenCV raised an error, and what to do, in the words of a user."""
    size = (f'an image of {image.shape[1]} x {image.shape[0]} pixels'
            if isinstance(image, np.ndarray) else 'the image')
    if image is not None and getattr(error, 'func', None) == 'resize':
        return (f'resizing {size} would leave nothing of its shorter side: leave it out, or give '
                'another img_scale')
    return f'OpenCV cannot process {size} ({getattr(error, "err", error)}): check its arguments'


def path_of(results: Dict) -> str:
    """Path of the image that mmseg's ``results`` ask for."""
    prefix, name = results.get('img_prefix'), results['img_info']['filename']
    return os.path.join(prefix, name) if prefix is not None else name


def as_loaded(image: np.ndarray, results: Optional[Dict] = None,
              file: Optional[str] = None) -> Dict:
    """Give an image the keys of mmseg's ``LoadImageFromFile``.

    Args:
        image: H x W x 3 (B, G, R), or H x W.
        results: the dict that gets them. None makes one.
        file: path of the image, if it has one.
    """
    results = dict(img_fields=['img'], seg_fields=[]) if results is None else results
    channels = 1 if image.ndim == 2 else image.shape[2]
    results.update(
        filename=file, ori_filename=results['img_info']['filename'] if file else None, img=image,
        img_shape=image.shape, ori_shape=image.shape, pad_shape=image.shape, scale_factor=1.0,
        img_norm_cfg=dict(mean=np.zeros(channels, np.float32), std=np.ones(channels, np.float32),
                          to_rgb=False))
    return results


def loading_step(steps: Sequence[Callable]) -> CheckedImage:
    """The step of built or checked steps that loads images, mmseg's own if there is none.

    The first step that is neither mmseg's nor ours loads them, if no step derives from mmseg's.
    """
    steps = [getattr(step, 'step', step) for step in steps]
    for step in steps:
        if isinstance(step, CheckedImage):
            return step
        if isinstance(step, LoadImageFromFile):
            return CheckedImage(step)
    return CheckedImage(steps[0] if steps and is_users(type(steps[0])) else LoadImageFromFile())


def is_users(kind: type) -> bool:
    """Whether a class of steps is the user's: neither mmseg's nor of this package."""
    return kind.__module__.split('.')[0] not in ('mmseg', 'mmcv', __name__.split('.')[0])


class Split(NamedTuple):
    """The configs of a pipeline's steps: those that load images or labels, and the others.

    Attributes:
        own_labels: those of ``labels`` that read in a way of their own.
    """
    images: List[dict]
    labels: List[dict]
    own_labels: List[dict]
    others: List[dict]


def split_pipeline(steps: Sequence[dict]) -> Split:
    """Split the configs of steps as :func:`loading_step` does with built ones."""
    split = Split([], [], [], [])
    for i, step in enumerate(steps):
        kind = step.get('type')
        kind = PIPELINES.get(kind) if isinstance(kind, str) else kind
        if kind is None or not isinstance(kind, type):  # building it tells
            split.others.append(step)
        elif issubclass(kind, LoadImageFromFile) or i == 0 and is_users(kind):
            split.images.append(step)
        elif issubclass(kind, LoadAnnotations):
            split.labels.append(step)
            if kind.__call__ is not LoadAnnotations.__call__:
                split.own_labels.append(step)
        else:
            split.others.append(step)
    return split


def load_file(step: CheckedImage, path: PathLike) -> Dict:
    """Load one file. Returns mmseg's ``results``, with the image H x W x 3 (B, G, R) as ``img``.

    Raises:
        MissingFile, DataError: see :class:`CheckedImage`.
    """
    return step(dict(img_info=dict(filename=os.fspath(path)), img_prefix=None, seg_fields=[],
                     img_fields=['img']))


def picture(image: np.ndarray) -> np.ndarray:
    """Turn an image as it is loaded into one to show: H x W x 3 uint8, RGB.

    Args:
        image: H x W or H x W x C of any numbers, C in the order B, G, R, ...
    """
    if image.ndim == 2 or image.shape[2] < 3:
        image = np.repeat(image.reshape(*image.shape[:2], -1)[..., :1], 3, axis=2)
    image = image[..., 2::-1]
    if image.dtype != np.uint8:
        image = image.astype(np.float32)
        if image.min() < 0 or not 1 < image.max() <= 255:  # no colors of 8 bits
            image = (image - image.min()) * (255 / max(float(np.ptp(image)), 1e-12))
        image = np.rint(image).astype(np.uint8)
    return np.ascontiguousarray(image)
