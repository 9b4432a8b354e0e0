"""Writing Streets in the folder layouts and file formats of published data sets."""
import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Optional

import cv2
import numpy as np

from ..errors import DataError, MissingFile, RefusedFile, nearest
from ..labels.conversion import CONVERTED
from ..labels.statistics import STATISTICS_FILES
from ..utils.atomic_file import is_part, make_folder, remove_leftovers, write_atomic
from ..utils.parallel import Progress, default_workers, parallel_map
from ..utils.paths import read_text
from .layouts import GTA_TO_CITYSCAPES, LAYOUTS, SOURCE_TRAIN, SPLITS, Split, encode_image
from .look import Look, LookMaker
from .painter import paint
from .raster import Raster, rasterize
from .scene import make_scene

logger = logging.getLogger(__name__)

VERSION = 1  # version of the drawings: a data set of another version is drawn again
STAMP = 'streets.json'
MIN_SIZE = (64, 32)
MOST_IMAGES = 10**6  # of a split: more is a mistake, and their list would fill the memory


@dataclass(frozen=True)
class Job:
    """An image and its labels to draw, and the folder for their files."""

    root: Path
    split: Split
    index: int

    def paths(self) -> list[Path]:
        """The files to write."""
        image, labels = self.split.files(self.index)
        return [self.root / name for name in (image, *(name for name, _ in labels))]

    def done(self) -> bool:
        """Whether all files exist. Each is written completely or not at all."""
        return all(path.is_file() for path in self.paths())


def make_streets(root: 'str | Path', train_source: int = 200, train_target: int = 200,
                 val_target: int = 60, size: tuple[int, int] = (512, 256), seed: int = 0,
                 workers: Optional[int] = None, progress: Optional[Progress] = None,
                 layouts: Sequence[str] = GTA_TO_CITYSCAPES) -> Path:
    """Draw the Streets data set: by default source ``root/gta``, target ``root/cityscapes``.

    The pictures depend on ``seed``, split and index alone, not on the counts or on ``workers``. A
    second call with the same arguments draws only missing files. A call with other layouts adds
    these. A call with other counts, size or seed removes the layouts that it names and draws them
    again, unless that would leave or lose others. The label images are as published. In most
    layouts they hold *label ids*, which the converters turn into train ids.

    Args:
        root: folder of the data set, made if it does not exist.
        train_source: number of images in ``gta``, or another source.
        train_target, val_target: number of images in ``cityscapes/.../train`` and ``.../val``, or
            in each training split and each other split of another target (for each condition or
            city).
        size: (width, height) of the images in pixels, at least 64 x 32.
        seed: integer >= 0.
        workers: number of processes that draw, by default one for each core.
        progress: shows the progress (see :func:`.progress_bar`).
        layouts: folders to make, each in the layout of the data set of its name: ``gta``,
            ``cityscapes``, ``synthia``, ``acdc``, ``dark_zurich``, ``NTHU_Datasets`` (Cross-City),
            ``camvid``, ``ade`` (ADE20K), ``synscapes``, ``bdd100k``, ``mapillary``, ``wilddash``,
            or ``own``: folders of JPEGs, for :class:`.FolderDataset`.

    Returns:
        ``root`` as a path.

    Raises:
        DataError: a count, size, seed or layout is out of range. Or ``root`` holds other data, or
            further layouts of another count, size or seed.
    """
    counts = dict(train_source=train_source, train_target=train_target, val_target=val_target)
    _check(counts, size, seed, layouts)
    root = Path(root)
    _claim(root, dict(streets=VERSION, size=list(size), seed=seed, **counts), layouts)
    jobs = [Job(root, split, index) for split in SPLITS if split.layout in layouts
            for index in range(counts[split.count])]
    missing = [job for job in jobs if not job.done()]
    logger.info('%s: drawing %d of %d images', root, len(missing), len(jobs))
    for folder in {path.parent for job in missing for path in job.paths()}:
        make_folder(folder)
        remove_leftovers(folder)
    with _single_threaded_opencv():
        parallel_map(partial(_write, size=tuple(size), seed=seed), missing,
                     default_workers() if workers is None else workers, progress)
    return root


def draw_sample(split: Split, index: int, size: tuple[int, int] = (512, 256), seed: int = 0,
                look: Optional[LookMaker] = None) -> tuple[np.ndarray, Raster]:
    """Draw one image.

    Args:
        split, index, seed: they determine the scene and, with the look, the picture.
        size: (width, height).
        look: makes a look instead of the split's own.

    Returns:
        The picture (uint8, H x W x 3, RGB) and the raster, which gives labels and object masks.
    """
    of_scene, of_look, of_paint = (np.random.default_rng([seed, split.number, index, use])
                                   for use in range(3))
    raster = rasterize(make_scene(of_scene, index, split.bonnet), size)
    chosen: Look = (look or split.look)(of_look)
    return paint(raster, chosen, of_paint), raster


def source_val(number: int = 3) -> Split:
    """A split with the source look that :func:`make_streets` does not write, for measurements."""
    return replace(SOURCE_TRAIN, number=number)


def _check(counts: dict[str, int], size: tuple[int, int], seed: int,
           layouts: Sequence[str]) -> None:
    for name, value in {**counts, 'seed': seed}.items():
        if value < 0:
            raise DataError(f'make_streets: {name} must be 0 or more, got {value}')
    for name, value in counts.items():
        if value > MOST_IMAGES:
            raise DataError(f'make_streets: {name} must be at most {MOST_IMAGES} images, got '
                            f'{value}')
    if not len(size) == 2 or size[0] < MIN_SIZE[0] or size[1] < MIN_SIZE[1]:
        raise DataError(f'make_streets: size must be (width, height) of at least {MIN_SIZE[0]} x '
                        f'{MIN_SIZE[1]} pixels, got {tuple(size)}')
    for name in layouts:
        if name not in LAYOUTS:
            raise DataError(f'make_streets: there is no layout {name!r}{nearest(name, LAYOUTS)}, '
                            f'only {", ".join(LAYOUTS)}')


def _claim(root: Path, parameters: dict, layouts: Sequence[str]) -> None:
    """Claim ``root`` for data sets with these parameters, never over other data."""
    stamp = root / STAMP
    made, ours = _read_stamp(stamp)
    for name in layouts:
        if name not in ours and (root / name).exists():
            raise DataError(f'{root / name} exists and was not made by Streets ('
                            f'{STAMP} does not name it): choose another folder')
    if made != parameters:
        _remove(root, made, [name for name in ours if (root / name).exists()], layouts)
        ours = []
    make_folder(root)
    ours = sorted({*ours, *layouts}, key=LAYOUTS.index)
    write_atomic(stamp, (json.dumps(dict(parameters, layouts=ours)) + '\n').encode())


def _read_stamp(stamp: Path) -> tuple[dict, list[str]]:
    """Parameters and layouts of earlier drawings, both empty if there is no stamp."""
    try:
        made = json.loads(read_text(stamp, 'file'))
    except MissingFile:
        return {}, []
    except RefusedFile:
        raise
    except (ValueError, RecursionError):
        made = None  # not ours: our stamps are written completely or not at all
    if isinstance(made, dict) and made.keys() >= {'streets', 'size', 'seed'}:
        ours = made.pop('layouts', list(GTA_TO_CITYSCAPES))  # the first stamps did not name layouts
        if isinstance(ours, list) and all(name in LAYOUTS for name in ours):
            return made, ours
    raise DataError(f'{stamp} was not written by Streets, which keeps what it has drawn in a file '
                    'of that name: choose another folder, or move the file away')


def _remove(root: Path, parameters: dict, made: Sequence[str], layouts: Sequence[str]) -> None:
    """Remove the layouts ``made`` with other parameters, if all are to be drawn again."""
    others = [name for name in made if name not in layouts]
    if others:
        raise DataError(f'{root} holds Streets with other parameters (see {STAMP}) in '
                        f'{", ".join(others)}, which would be lost: choose another folder, remove '
                        f'them, or ask for {" ".join([*others, *layouts])} to draw all anew')
    for name in made:
        _check_drawn(root, name, parameters)
    for name in made:
        logger.warning('%s is Streets with other parameters, which is removed', root / name)
        shutil.rmtree(root / name)


def _check_drawn(root: Path, layout: str, parameters: dict) -> None:
    """Check that a layout to be removed holds only drawings and the converters' output for them."""
    folder = root / layout
    drawn = {path for split in SPLITS if split.layout == layout
             for index in range(parameters.get(split.count, 0))
             for path in Job(root, split, index).paths()}
    foreign = [folder] if folder.is_symlink() else sorted(
        path for path in folder.rglob('*') if path.is_symlink() or path.is_file()
        and path not in drawn and not path.name.endswith(CONVERTED)
        and path.name not in STATISTICS_FILES and not is_part(path.name))
    if foreign:
        raise DataError(f'{foreign[0]} was not drawn by Streets, and would be removed with '
                        f'{folder}, which is to be drawn anew with other parameters: move it '
                        'away, or choose another folder')


def _write(job: Job, size: tuple[int, int], seed: int) -> None:
    picture, raster = draw_sample(job.split, job.index, size, seed)
    image, labels = job.split.files(job.index)
    contents = {image: encode_image(image, picture),
                **{name: encode(raster.labels) for name, encode in labels}}
    for name, content in contents.items():
        write_atomic(job.root / name, content)


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    """Turn off OpenCV's threads: they compete with our processes and do not survive a fork."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
