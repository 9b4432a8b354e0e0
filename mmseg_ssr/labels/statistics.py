"""Pixel counts of every class in every source label, kept as three JSON files.

``sample_class_stats.json`` is a list with one object for each image: ``"file"``, and the pixel
count of each train id that occurs. ``sample_class_stats_dict.json`` holds the same as an object
file -> {train id: count}. ``samples_with_class.json`` is an object train id -> list of
[file, count]. DAFormer, HRDA and MIC use the same files. Our paths are relative to the folder of
the JSON files. Published ones may hold paths of another machine: see :func:`match_files`.
"""
import json
import os
import posixpath
from collections import defaultdict
from pathlib import Path
from typing import Callable, Collection, Dict, Iterable, List, Optional, Sequence, Tuple

from ..errors import DataError, MissingFile, RefusedFile, UnknownValue
from ..utils.atomic_file import remove_leftovers, write_atomic
from ..utils.parallel import Progress, parallel_map
from ..utils.paths import leads_out, read_text
from .files import PathLike, count_pixels, read_label
from .ignore_index import IGNORE_INDEX

#: Class -> number of pixels, for one label.
Counts = Dict[int, int]

STATISTICS = 'sample_class_stats.json'
BY_FILE = 'sample_class_stats_dict.json'
BY_CLASS = 'samples_with_class.json'
STATISTICS_FILES = (STATISTICS, BY_FILE, BY_CLASS)

#: A data set is broken if more than this share of its labels hold no class.
EMPTY_SHARE = 0.5
#: More pixels than any label has.
TOO_MANY = 2**31


def load_class_statistics(folder: PathLike) -> Dict[str, Counts]:
    """Read file -> counts from ``sample_class_stats.json`` in ``folder``, under the recorded names.

    Raises:
        MissingFile: the file is missing.
        DataError: it is no JSON, or does not have the form above.
    """
    path = Path(folder) / STATISTICS
    try:
        return _counts(json.loads(read_text(path, 'file of class statistics')))
    except MissingFile as error:
        raise MissingFile(f'class statistics {path} are missing: run the converter of the data '
                          'set (mmseg-ssr convert)') from error
    except RefusedFile:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f'class statistics {path} are damaged: delete the file, it is made anew '
                        'on the next start') from error


def save_class_statistics(folder: PathLike, statistics: Dict[str, Counts],
                          begun: Optional[float] = None) -> None:
    """Write the three JSON files, each atomically. The one that is read comes last.

    Args:
        begun: time at which the first label was read, in seconds since the epoch. Labels that
            were written later count as unknown. None means that the caller wrote all labels.
    """
    remove_leftovers(folder)
    by_class: Dict[int, List[Tuple[str, int]]] = defaultdict(list)
    for file, counts in statistics.items():
        for class_id, pixels in counts.items():
            by_class[class_id].append((file, pixels))
    records = [dict(counts, file=file) for file, counts in statistics.items()]
    for name, content in ((BY_CLASS, by_class), (BY_FILE, statistics), (STATISTICS, records)):
        write_atomic(Path(folder) / name, json.dumps(content).encode(), begun)


def match_files(recorded: Collection[str], files: Iterable[str],
                folder: Optional[PathLike] = None) -> Dict[str, str]:
    """Map each recorded name to the file in ``files`` that it names. No file has two names.

    A file such as ``labels/1.png`` is named by its own path. If that is not recorded, a path of
    another machine that ends in all of it names it: ``data/gta/labels/1.png`` or
    ``data\\gta\\labels\\1.png``. A file name without a folder is not enough.

    Args:
        recorded: names in the statistics.
        files: paths relative to the folder of the statistics, with ``/``.
        folder: that folder. A name of another file in it matches none of ``files``.

    Returns:
        The names that belong to a file. If several foreign names end in the same path, it is
        unknown which is right, and all are left out.
    """
    here = {_plain(file): file for file in files}
    exact = {name: name for name in recorded if here.get(_plain(name)) == name}
    foreign: Dict[str, List[str]] = defaultdict(list)
    for name in recorded:
        file = None if name in exact else _named(name, here, folder)
        if file is not None and file not in exact:
            foreign[file].append(name)
    return {**exact, **{names[0]: file for file, names in foreign.items() if len(names) == 1}}


def is_below(folder: PathLike, name: str) -> bool:
    """Whether a recorded name is the path of an existing file, relative to ``folder``."""
    return not leads_out(name) and os.path.isfile(Path(folder) / _plain(name))


def fresh_counts(folder: PathLike, files: Sequence[str]) -> Dict[str, Counts]:
    """Recorded counts of those of ``files`` (paths relative to ``folder``) that have any.

    A label that was written after the statistics counts as unknown. Missing or damaged
    statistics give nothing.
    """
    try:
        recorded = load_class_statistics(folder)
    except (MissingFile, DataError):
        return {}
    made = (Path(folder) / STATISTICS).stat().st_mtime
    return {file: recorded[name] for name, file in match_files(recorded, files, folder).items()
            if _modified(os.path.join(folder, file)) <= made}


def count_labels(folder: PathLike, files: Sequence[str], count: Callable[[Path], Counts],
                 workers: int = 1, progress: Optional[Progress] = None) -> Dict[str, Counts]:
    """Apply ``count`` to each of ``files`` (relative to ``folder``), in ``workers`` processes.

    Args:
        count: gives the counts of a path, picklable: :func:`count_train_ids` with its options.
        progress: shows the progress (:func:`~mmseg_ssr.utils.parallel.progress_bar`), or None.
    """
    paths = [Path(folder) / file for file in files]
    return dict(zip(files, parallel_map(count, paths, workers, progress)))


def count_train_ids(path: PathLike, num_classes: int, ignore_index: int = IGNORE_INDEX) -> Counts:
    """Count pixels of each id in a label file except 255. Another ``ignore_index`` is counted.

    Raises:
        MissingFile, DataError: the file is missing or damaged, or an id is neither a class nor
            ignored.
    """
    counts = count_pixels(read_label(path))
    check_ids(counts, path, num_classes, ignore_index)
    counts.pop(IGNORE_INDEX, None)
    return counts


def check_not_empty(statistics: Dict[str, Counts], folder: PathLike) -> None:
    """Raise :class:`DataError` if more than half of the labels hold no class at all."""
    empty = [file for file, counts in statistics.items() if not counts]
    if len(empty) > EMPTY_SHARE * len(statistics):
        raise DataError(f'{len(empty)} of {len(statistics)} labels in {folder} are all ignore '
                        f'(first: {empty[0]}): there is nothing to learn from them, check the '
                        'format of the label files and convert them again')


def check_ids(ids: Iterable[int], path: PathLike, num_classes: int,
              ignore_index: int = IGNORE_INDEX) -> None:
    """Raise :class:`UnknownValue` if an id is neither a class nor ``ignore_index``."""
    strange = [i for i in ids if i != ignore_index and not 0 <= i < num_classes]
    if strange:
        raise UnknownValue(f'label {path} holds id {strange[0]}, expected 0..{num_classes - 1} or '
                           f'{ignore_index} (ignore): convert it to train ids '
                           '(mmseg-ssr convert)')


def _counts(records: List[dict]) -> Dict[str, Counts]:
    """Parse ``sample_class_stats.json``. A damaged file raises ValueError and others."""
    statistics = {record['file']: {int(c): n for c, n in record.items() if c != 'file'}
                  for record in records}
    numbers = [n for counts in statistics.values() for n in counts.values()]
    if not all(isinstance(file, str) and '\0' not in file for file in statistics):
        raise ValueError('a file name is none')
    if (not all(type(n) is int and 0 <= n < TOO_MANY for n in numbers)
            or len(statistics) < len(records)):
        raise ValueError('a count is none, or a file is named twice')
    return statistics


def _named(name: str, files: Dict[str, str], folder: Optional[PathLike]) -> Optional[str]:
    """The longest of ``files`` that ``name`` ends in, or None without one or if another exists."""
    parts = _plain(name).split('/')
    for start in range(max(len(parts) - 1, 1)):
        end = '/'.join(parts[start:])
        if end in files:
            return files[end]
        if folder is not None and is_below(folder, end):
            return None
    return None


def _plain(path: str) -> str:
    """Turn ``./a//b.png`` and ``a\\b.png`` into ``a/b.png``."""
    return posixpath.normpath(path.replace('\\', '/'))


def _modified(path: PathLike) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return float('inf')
