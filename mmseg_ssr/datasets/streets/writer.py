"""Writes Streets in the folder layouts and file formats of GTA5 and Cityscapes."""
import io
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Optional

import cv2
import numpy as np
from PIL import Image

from ...errors import DataError
from ..atomic_file import write_atomic
from ..parallel import Progress, default_workers, parallel_map
from .labels import COLOURS
from .look import Look, LookMaker, camera_look, game_look
from .painter import paint
from .raster import Raster, rasterise
from .scene import make_scene

logger = logging.getLogger(__name__)

VERSION = 1  # of the drawings: a data set of another version is drawn anew
STAMP = 'streets.json'
MIN_SIZE = (64, 32)
TRAIN_CITIES = ('northport', 'eastbridge', 'millford', 'oldharbour', 'stonefield')
VAL_CITIES = ('westhaven', 'greenhill', 'kingsmarket')


@dataclass(frozen=True)
class Split:
    """A part of the data set.

    Attributes:
        number: keeps the random numbers of the splits apart.
        layout: ``gta`` or ``cityscapes``.
        folder: ``train`` or ``val`` for ``cityscapes``, unused for ``gta``.
        look: what makes its looks.
        bonnet: whether the ego vehicle's bonnet is seen.
    """

    number: int
    layout: str
    folder: str
    look: LookMaker
    bonnet: bool


SOURCE_TRAIN = Split(0, 'gta', '', game_look, bonnet=False)
TARGET_TRAIN = Split(1, 'cityscapes', 'train', camera_look, bonnet=True)
TARGET_VAL = Split(2, 'cityscapes', 'val', camera_look, bonnet=True)


@dataclass(frozen=True)
class Job:
    """One image and its label: which to draw, and where to write them."""

    split: Split
    index: int
    image: Path
    label: Path

    def done(self) -> bool:
        """Whether both files are there; each is written whole or not at all."""
        return self.image.is_file() and self.label.is_file()


def make_streets(root: 'str | Path', train_source: int = 200, train_target: int = 200,
                 val_target: int = 60, size: tuple[int, int] = (512, 256), seed: int = 0,
                 workers: Optional[int] = None, progress: Optional[Progress] = None) -> Path:
    """Draw the Streets data set: source ``root/gta``, target ``root/cityscapes``.

    The pictures are a function of ``seed``, split and index alone, not of the counts nor of
    ``workers``. A second call with the same arguments draws only what is missing. Beside the images
    are label images with Cityscapes *label ids*; the converters turn these into train ids.

    Args:
        root: folder of the data set, made when absent.
        train_source: images in ``gta``.
        train_target, val_target: images in ``cityscapes/.../train`` and ``.../val``.
        size: (width, height) of the images in pixels, at least 64 x 32.
        seed: integer >= 0.
        workers: processes; by default one for each core.
        progress: shows how far the drawing is (see :func:`..parallel.progress_bar`).

    Returns:
        ``root`` as a path.

    Raises:
        DataError: a count, size or seed out of range, or ``root`` holds other data.
    """
    counts = dict(train_source=train_source, train_target=train_target, val_target=val_target)
    _check(counts, size, seed)
    root = Path(root)
    _claim(root, dict(streets=VERSION, size=list(size), seed=seed, **counts))
    jobs = [Job(split, index, *_paths(root, split, index))
            for split, count in zip((SOURCE_TRAIN, TARGET_TRAIN, TARGET_VAL), counts.values())
            for index in range(count)]
    missing = [job for job in jobs if not job.done()]
    logger.info('%s: drawing %d of %d images', root, len(missing), len(jobs))
    for folder in {path.parent for job in missing for path in (job.image, job.label)}:
        folder.mkdir(parents=True, exist_ok=True)
    with _single_threaded_opencv():
        parallel_map(partial(_write, size=tuple(size), seed=seed), missing,
                     default_workers() if workers is None else workers, progress)
    return root


def draw_sample(split: Split, index: int, size: tuple[int, int] = (512, 256), seed: int = 0,
                look: Optional[LookMaker] = None) -> tuple[np.ndarray, Raster]:
    """Draw one image.

    Args:
        split, index, seed: decide on the scene and, with the look, on the picture.
        size: (width, height).
        look: makes the look in place of the split's own.

    Returns:
        the picture (uint8, H x W x 3, RGB) and the raster, which gives labels and object masks.
    """
    of_scene, of_look, of_paint = (np.random.default_rng([seed, split.number, index, use])
                                   for use in range(3))
    raster = rasterise(make_scene(of_scene, index, split.bonnet), size)
    chosen: Look = (look or split.look)(of_look)
    return paint(raster, chosen, of_paint), raster


def source_val(number: int = 3) -> Split:
    """A split with the source look that :func:`make_streets` does not write, for measurements."""
    return replace(SOURCE_TRAIN, number=number)


def _check(counts: dict[str, int], size: tuple[int, int], seed: int) -> None:
    for name, value in {**counts, 'seed': seed}.items():
        if value < 0:
            raise DataError(f'make_streets: {name} must be 0 or more, got {value}')
    if not len(size) == 2 or size[0] < MIN_SIZE[0] or size[1] < MIN_SIZE[1]:
        raise DataError(f'make_streets: size must be (width, height) of at least {MIN_SIZE[0]} x '
                        f'{MIN_SIZE[1]} pixels, got {tuple(size)}')


def _claim(root: Path, parameters: dict) -> None:
    """Make ``root`` the place of a data set with these parameters, never over other data."""
    stamp = root / STAMP
    taken = [name for name in ('gta', 'cityscapes') if (root / name).exists()]
    if stamp.is_file():
        if _read_stamp(stamp) == parameters:
            return
        logger.info('%s holds Streets with other parameters, which is removed', root)
        for name in taken:
            shutil.rmtree(root / name)
    elif taken:
        raise DataError(f'{root / taken[0]} exists and was not made by Streets (there is no '
                        f'{STAMP}): choose another folder')
    root.mkdir(parents=True, exist_ok=True)
    write_atomic(stamp, (json.dumps(parameters) + '\n').encode())


def _read_stamp(stamp: Path) -> Optional[dict]:
    try:
        return json.loads(stamp.read_text())
    except ValueError:
        return None


def _paths(root: Path, split: Split, index: int) -> tuple[Path, Path]:
    """Image and label file."""
    if split.layout == 'gta':
        name = f'{index + 1:05d}.png'
        return root / 'gta' / 'images' / name, root / 'gta' / 'labels' / name
    cities = TRAIN_CITIES if split.folder == 'train' else VAL_CITIES
    city = cities[index % len(cities)]
    name = f'{city}_{index // len(cities):06d}_000019'
    base = root / 'cityscapes'
    return (base / 'leftImg8bit' / split.folder / city / f'{name}_leftImg8bit.png',
            base / 'gtFine' / split.folder / city / f'{name}_gtFine_labelIds.png')


def _write(job: Job, size: tuple[int, int], seed: int) -> None:
    picture, raster = draw_sample(job.split, job.index, size, seed)
    label = Image.fromarray(raster.labels)
    if job.split.layout == 'gta':
        label.putpalette(_palette())
    for path, image in ((job.image, Image.fromarray(picture)), (job.label, label)):
        content = io.BytesIO()
        image.save(content, format='PNG', compress_level=1)
        write_atomic(path, content.getvalue())


def _palette() -> list[int]:
    """256 RGB colours in a row, by label id."""
    colours = np.zeros((256, 3), np.uint8)
    for label, colour in COLOURS.items():
        colours[label] = colour
    return colours.ravel().tolist()


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    """Processes share the work; OpenCV's threads would compete, and do not survive a fork."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
