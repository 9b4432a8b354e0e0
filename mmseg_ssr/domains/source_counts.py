"""Pixel counts of the labels of a data set, read from its statistics or counted on first use."""
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from ..errors import DataError, MissingFile, UnwritableFile, unwritable
from ..labels.files import PathLike, relative_path
from ..labels.statistics import (
    Counts,
    check_not_empty,
    count_labels,
    fresh_counts,
    is_below,
    load_class_statistics,
    match_files,
    save_class_statistics,
)
from ..utils.parallel import default_workers, progress_bar


@dataclass(frozen=True)
class Labels:
    """The labels of a data set over files, and how their values are counted.

    Attributes:
        root: folder of the statistics.
        paths: path of each label.
        count: counts the values in a label file; picklable.
        as_trained: turns these counts into counts of the data set's classes. It gets the path too.
        check: called with the positions of the labels that are counted now, or None.
        from_files: whether the counts are a property of the files alone, so that statistics hold.
    """

    root: Path
    paths: Sequence[PathLike]
    count: Callable[[Path], Counts]
    as_trained: Callable[[Counts, PathLike], Counts]
    check: Optional[Callable[[List[int]], None]] = None
    from_files: bool = True


def counts_of(labels: Labels, keep: bool, log: logging.Logger) -> List[Counts]:
    """Return the pixels by class for each label, in order.

    The counts come from the JSON files in ``root``. Labels that are missing there or newer than the
    files are counted now, with a progress bar, and the files are written again. If they cannot be
    written, a warning is logged.

    Args:
        keep: whether to write files.

    Raises:
        DataError: a label is damaged or holds ids out of range, or most labels are all ignore.
    """
    root = labels.root
    files = [relative_path(path, root) for path in labels.paths]
    begun = time.time()
    keep = keep and labels.from_files
    counts = fresh_counts(root, files) if labels.from_files else {}
    unknown = [i for i, file in enumerate(files) if file not in counts]
    if unknown:
        log.info(f'counting the classes of {len(unknown)} of {len(files)} labels in {root}'
                 + (', once' if keep else ''))
        if labels.check is not None:
            labels.check(unknown)
        counts.update(count_labels(root, [files[i] for i in unknown], labels.count,
                                   default_workers(), progress_bar('class statistics')))
    trained = {file: labels.as_trained(counts[file], path)
               for file, path in zip(files, labels.paths)}
    check_not_empty(trained, root)
    if unknown and keep:
        _save(root, {**_others(root, files), **{file: counts[file] for file in files}}, begun, log)
    return [trained[file] for file in files]


def by_label_map(counts: Mapping[int, int], label_map: Optional[Mapping[int, int]],
                 reduce_zero_label: bool, classes: int, ignore_index: int) -> Counts:
    """Turn counts of the values in a file into counts of the classes that mmseg makes of them.

    Args:
        label_map: value in the file -> class, for the values that mmseg changes.
        reduce_zero_label: whether value 0 is ignored and the others become one less.
        classes: number of classes.
    """
    label_map, shift = label_map or {}, int(bool(reduce_zero_label))
    if not label_map and not shift and all(
            0 <= i < classes and i != ignore_index for i in counts):
        return counts  # the same object: there may be a million of them
    trained: Dict[int, int] = {}
    for label_id, pixels in counts.items():
        class_id = label_map.get(label_id, label_id) - shift
        if class_id != ignore_index and 0 <= class_id < classes:
            trained[class_id] = trained.get(class_id, 0) + pixels
    return trained


def _others(root: Path, files: List[str]) -> Dict[str, Counts]:
    """Recorded counts of labels that exist but are not in this data set.

    Counts older than their label are left out, because saving would make them look new.
    """
    try:
        recorded = load_class_statistics(root)
    except (MissingFile, DataError):
        return {}
    ours = match_files(recorded, files, root)
    return fresh_counts(root, [name for name in recorded
                               if name not in ours and is_below(root, name)])


def _save(root: Path, statistics: Dict[str, Counts], begun: float, log: logging.Logger) -> None:
    try:
        save_class_statistics(root, statistics, begun)
    except OSError as error:
        told = error if isinstance(error, UnwritableFile) else unwritable(root, error)
        log.warning(f'{told}; else the classes are counted on every start')
