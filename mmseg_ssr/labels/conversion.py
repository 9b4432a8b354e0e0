"""Conversion of published labels to the 19 Cityscapes train ids.

Writes ``*_labelTrainIds.png`` (8 bit, one channel, 255 = ignore) beside the labels, and the class
statistics of the training labels into the data set's folder. Labels with an up-to-date output are
skipped, so a stopped conversion continues where it was.
"""
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import (
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import cv2
import numpy as np

from ..errors import UnwritableFile, UserError
from ..utils.atomic_file import remove_leftovers
from ..utils.parallel import Progress, parallel_map
from .cityscapes import TRAIN_IDS
from .files import (
    PathLike,
    count_pixels,
    image_size,
    read_first_of_16_bit,
    read_label,
    relative_path,
    write_label,
)
from .ignore_index import IGNORE_INDEX
from .statistics import Counts, check_not_empty, fresh_counts, save_class_statistics

#: SYNTHIA class -> train id (terrain 16, truck 18 and train 20 do not occur in RAND_CITYSCAPES).
#: Void 0, parking slot 13, road work 14 and lane marking 22 are ignored.
SYNTHIA_TRAIN_IDS = {synthia_id: train_id for train_id, synthia_id in enumerate(
    (3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19, 20, 12, 11))}
CONVERTED = '_labelTrainIds.png'


@dataclass
class Conversion:
    """The result of a conversion.

    Attributes:
        converted, skipped: number of labels written, and of labels that were up to date.
        statistics: file (relative to the data set's folder) -> train id -> pixels, for all
            labels that are now converted.
        failures: one line for each label that could not be converted.
    """

    converted: int = 0
    skipped: int = 0
    statistics: Dict[str, Counts] = field(default_factory=dict)
    failures: List[str] = field(default_factory=list)

    @property
    def empty(self) -> List[str]:
        """The files without a pixel of any class."""
        return [file for file, counts in self.statistics.items() if not counts]


class _Outcome(NamedTuple):
    output: Path
    counts: Optional[Counts] = None
    skipped: bool = False
    failure: Optional[str] = None


def train_id_table(train_ids: Mapping[int, int] = TRAIN_IDS) -> np.ndarray:
    """Make a look-up table of 256 uint8: id in the labels -> train id, or 255."""
    table = np.full(256, IGNORE_INDEX, dtype=np.uint8)
    table[list(train_ids)] = list(train_ids.values())
    return table


class Format(NamedTuple):
    """The format of a data set's labels."""

    read: Callable[[PathLike], np.ndarray] = read_label
    train_ids: Mapping[int, int] = TRAIN_IDS


CITYSCAPES = Format()
SYNTHIA = Format(read_first_of_16_bit, SYNTHIA_TRAIN_IDS)


def convert_label(source: PathLike, output: PathLike, labels: Format = CITYSCAPES) -> Counts:
    """Write the label image ``source`` as ``output`` (train ids), and count the train ids.

    Raises:
        MissingFile, DataError: ``source`` is missing, damaged, or of another format.
    """
    train_ids = cv2.LUT(labels.read(source), train_id_table(labels.train_ids))
    write_label(output, train_ids)
    return count_pixels(train_ids, IGNORE_INDEX)


def convert_files(labels: Sequence[Path], suffix: str, root: Path, workers: int,
                  progress: Optional[Progress], kind: Format = CITYSCAPES) -> Conversion:
    """Convert labels whose names end in ``suffix``, which :data:`CONVERTED` replaces."""
    outputs = [path.with_name(path.name[:-len(suffix)] + CONVERTED) for path in labels]
    known = fresh_counts(root, [relative_path(path, root) for path in outputs
                                if path.is_file()])
    for folder in {path.parent for path in outputs}:
        remove_leftovers(folder)
    jobs = [(source, output, known.get(relative_path(output, root)))
            for source, output in zip(labels, outputs)]
    result = Conversion()
    for outcome in parallel_map(partial(_convert_job, kind=kind), jobs, workers, progress):
        if outcome.failure:
            result.failures.append(outcome.failure)
            continue
        result.statistics[relative_path(outcome.output, root)] = outcome.counts
        result.skipped += outcome.skipped
        result.converted += not outcome.skipped
    return result


def _convert_job(job: Tuple[Path, Path, Optional[Counts]], kind: Format) -> _Outcome:
    """Convert one label, or count an existing output. A damaged label becomes a failure."""
    source, output, known = job
    try:
        if _up_to_date(output, source):
            image_size(output)
            counts = known if known is not None else count_pixels(read_label(output), IGNORE_INDEX)
            if all(train_id < len(TRAIN_IDS) for train_id in counts):
                return _Outcome(output, counts, skipped=True)
    except (UserError, OSError):  # of the source too: reading it tells
        pass
    # the output is missing, damaged, or of another program with other ids
    try:
        return _Outcome(output, convert_label(source, output, kind))
    except UnwritableFile:  # the other labels cannot be written either
        raise
    except (UserError, OSError) as error:
        return _Outcome(output, failure=str(error))


def _up_to_date(output: Path, source: Path) -> bool:
    return output.is_file() and output.stat().st_mtime >= source.stat().st_mtime


def finish(result: Conversion, statistics: Dict[str, Counts], root: Path) -> None:
    """Check that labels hold classes, and write the class statistics of some into ``root``."""
    check_not_empty(result.statistics, root)
    if statistics:
        save_class_statistics(root, statistics)
