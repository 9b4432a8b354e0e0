"""Pixel counts of every class in every source label, kept as three JSON files.

``sample_class_stats.json`` is a list with one object per image (``"file"`` and, per train id
that occurs, its pixel count), ``sample_class_stats_dict.json`` the same as an object file ->
{train id: count}, ``samples_with_class.json`` an object train id -> list of [file, count]. These
are the files of DAFormer, HRDA and MIC. Our paths are relative to the folder of the JSON files;
those of published ones may be of another machine, so files are matched by their last parts.
"""
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from ..errors import DataError, MissingFile, UnknownValue
from .atomic_file import write_atomic
from .label_files import count_pixels, read_label
from .parallel import Progress, parallel_map

PathLike = Union[str, os.PathLike]
#: Class -> number of pixels, of one label.
Counts = Dict[int, int]

STATISTICS = 'sample_class_stats.json'
BY_FILE = 'sample_class_stats_dict.json'
BY_CLASS = 'samples_with_class.json'

#: More labels than this share without a single class: the data set is broken, not a few frames.
EMPTY_SHARE = 0.5
#: Pixels that no label has.
TOO_MANY = 2**31


def load_class_statistics(folder: PathLike) -> Dict[str, Counts]:
    """File -> counts, from ``sample_class_stats.json`` in ``folder``; file names as recorded.

    Raises:
        MissingFile: no such file.
        DataError: it is no JSON or not of the form above.
    """
    path = Path(folder) / STATISTICS
    if not path.exists():
        raise MissingFile(f'class statistics {path} are missing: run the converter of the data '
                          'set (tools/convert_datasets/)')
    try:
        if not path.is_file():
            raise ValueError('no file')
        return _counts(json.loads(path.read_text(encoding='utf-8')))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError) as error:
        raise DataError(f'class statistics {path} are damaged: delete the file, it is made anew '
                        'on the next start') from error


def save_class_statistics(folder: PathLike, statistics: Dict[str, Counts]) -> None:
    """Write the three JSON files, each atomically; the one that is read comes last."""
    by_class: Dict[int, List[Tuple[str, int]]] = defaultdict(list)
    for file, counts in statistics.items():
        for class_id, pixels in counts.items():
            by_class[class_id].append((file, pixels))
    records = [dict(counts, file=file) for file, counts in statistics.items()]
    for name, content in ((BY_CLASS, by_class), (BY_FILE, statistics), (STATISTICS, records)):
        write_atomic(Path(folder) / name, json.dumps(content).encode())


def match_files(recorded: Iterable[str], files: Iterable[str]) -> Dict[str, str]:
    """Recorded file -> the one of ``files`` that shares the most trailing path parts with it.

    ``data/gta/labels/00001_x.png`` and ``labels\\00001_x.png`` both match
    ``/somewhere/gta/labels/00001_x.png``. Recorded files whose name does not occur in ``files``
    are left out.

    Raises:
        DataError: two of ``files`` match a recorded one equally well.
    """
    by_name: Dict[str, List[Tuple[List[str], str]]] = defaultdict(list)
    for file in files:
        parts = _parts(file)
        by_name[parts[0]].append((parts, file))
    matches = {}
    for name in recorded:
        parts = _parts(name)
        ranked = sorted(((_common(parts, other), file) for other, file in by_name[parts[0]]),
                        reverse=True)
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            raise DataError(f'class statistics name {name}, which may be {ranked[0][1]} or '
                            f'{ranked[1][1]}: delete the statistics, they are made anew')
        if ranked:
            matches[name] = ranked[0][1]
    return matches


def fresh_counts(folder: PathLike, files: Sequence[str]) -> Dict[str, Counts]:
    """Those of ``files`` (paths relative to ``folder``) that the JSON files give counts for.

    A label that was written after the statistics counts as unknown. Missing or damaged
    statistics, and statistics that cannot be matched, give nothing.
    """
    try:
        recorded = load_class_statistics(folder)
        matches = match_files(recorded, files)
    except (MissingFile, DataError):
        return {}
    made = (Path(folder) / STATISTICS).stat().st_mtime
    return {file: recorded[name] for name, file in matches.items()
            if _modified(Path(folder) / file) <= made}


def count_labels(folder: PathLike, files: Sequence[str], count: Callable[[Path], Counts],
                 workers: int = 1, progress: Optional[Progress] = None) -> Dict[str, Counts]:
    """``count`` of each of ``files`` (relative to ``folder``), in ``workers`` processes.

    Args:
        count: gives the counts of a path, picklable: :func:`count_train_ids` with its options.
        progress: shows how far it is (:func:`~.parallel.progress_bar`), or None.
    """
    paths = [Path(folder) / file for file in files]
    return dict(zip(files, parallel_map(count, paths, workers, progress)))


def count_train_ids(path: PathLike, num_classes: int, ignore_index: int = 255) -> Counts:
    """Pixels of each id in a label file.

    Raises:
        MissingFile, DataError: of the file, or an id that is neither a class nor ignored.
    """
    counts = count_pixels(read_label(path), ignore_index)
    check_ids(counts, path, num_classes, ignore_index)
    return counts


def check_not_empty(statistics: Dict[str, Counts], folder: PathLike) -> None:
    """Raise :class:`DataError` when more than half of the labels hold no class at all."""
    empty = [file for file, counts in statistics.items() if not counts]
    if len(empty) > EMPTY_SHARE * len(statistics):
        raise DataError(f'{len(empty)} of {len(statistics)} labels in {folder} are all ignore '
                        f'(first: {empty[0]}): there is nothing to learn from them, check the '
                        'format of the label files and convert them again')


def check_ids(ids: Iterable[int], path: PathLike, num_classes: int,
              ignore_index: int = 255) -> None:
    """Raise :class:`UnknownValue` when an id is neither a class nor ``ignore_index``."""
    strange = [i for i in ids if i != ignore_index and not 0 <= i < num_classes]
    if strange:
        raise UnknownValue(f'label {path} holds id {strange[0]}, expected 0..{num_classes - 1} or '
                           f'{ignore_index} (ignore): convert it to train ids '
                           '(tools/convert_datasets/)')


def _counts(records: List[dict]) -> Dict[str, Counts]:
    """The content of ``sample_class_stats.json``; ValueError and others where it is not so."""
    statistics = {record['file']: {int(c): n for c, n in record.items() if c != 'file'}
                  for record in records}
    numbers = [n for counts in statistics.values() for n in counts.values()]
    if not all(isinstance(file, str) and '\0' not in file for file in statistics):
        raise ValueError('a file name is none')
    if (not all(type(n) is int and 0 <= n < TOO_MANY for n in numbers)
            or len(statistics) < len(records)):
        raise ValueError('a count is none, or a file is named twice')
    return statistics


def _parts(path: str) -> List[str]:
    """``a/b/c.png`` -> ``[c.png, b, a]``; paths written on Windows too."""
    return path.replace('\\', '/').split('/')[::-1]


def _common(first: List[str], second: List[str]) -> int:
    shared = [a == b for a, b in zip(first, second)] + [False]
    return shared.index(False)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return float('inf')
