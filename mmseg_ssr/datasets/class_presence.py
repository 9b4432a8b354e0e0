"""Classes that no label of a data set holds. A network would never predict them."""
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from ..domains.published import ORIGINS
from ..errors import UserError
from ..labels.files import read_values, relative_path
from ..labels.ignore_index import IGNORE_INDEX
from ..labels.statistics import Counts, fresh_counts
from .pipelines.checked_loading import leaf_datasets, own_label_step
from .source_statistics import as_trained, label_counter

#: Labels that are read if not all classes have been found before, evenly spread over the data set.
MOST_LABELS = 400
#: Labels that are looked at for the value 255.
FOR_THE_HINT = 20
#: Classes that a hint writes out.
WRITTEN_OUT = 4


class Presence(NamedTuple):
    """Classes without a pixel, and how many labels were looked at.

    Attributes:
        absent: names of the classes. Those that a published data set is known to lack are left
            out.
        looked_at: number of labels that were looked at.
        labels: number of all labels.
    """
    absent: List[str]
    looked_at: int
    labels: int


def absence(dataset: Any) -> Optional[str]:
    """Return a line about the classes that no label holds, or None if every class was found.

    Labels are read until all classes are found, but at most :data:`MOST_LABELS`, and none that
    class statistics count. Labels that cannot be read are passed over.
    """
    found = presence(dataset)
    if not found.absent:
        return None
    names, every = ', '.join(found.absent), found.looked_at == found.labels
    where = (f'the {found.labels} labels' if every else
             f'{found.looked_at} labels, evenly spread over the {found.labels}')
    hint = hint_at_255(dataset, found.absent)
    them = 'it' if len(found.absent) == 1 else 'them'
    return (f'no pixel of {names} is in {where} of {_folders(dataset)}, so the network cannot '
            f'learn {them}' + (f': {hint}' if hint else ''))


def presence(dataset: Any) -> Presence:
    """Look for each class of a labeled data set, see :func:`absence`."""
    leaves = [leaf for leaf in leaf_datasets(dataset)
              if getattr(leaf, 'ann_dir', None) and getattr(leaf, 'img_infos', None)]
    found: Set[int] = set()
    looked_at, labels, wanted = 0, 0, set(range(len(dataset.CLASSES or ())))
    known = {dataset.CLASSES.index(name) for leaf in leaves
             for name in getattr(ORIGINS.get(type(leaf).__name__), 'absent', ())
             if name in dataset.CLASSES}
    for leaf in leaves:
        labels += len(leaf.img_infos)
        for counts in _counts(leaf):
            if wanted <= found | known:
                break
            looked_at += 1
            found |= {class_id for class_id, pixels in counts.items() if pixels}
    absent = wanted - found - known if looked_at else set()
    return Presence([dataset.CLASSES[i] for i in sorted(absent)], looked_at, labels)


def hint_at_255(dataset: Any, absent: Sequence[str]) -> Optional[str]:
    """Say how 255 becomes a class, if labels of own data hold it. It is ignored by default.

    Drawing programs save masks of 0 and 255.
    """
    leaf = next(leaf_datasets(dataset))
    table = getattr(leaf, 'class_table', None)
    ignored = table is None or table.meaning.get(IGNORE_INDEX) == IGNORE_INDEX
    if type(leaf).__name__ in ORIGINS or not ignored or not any(
            _holds_255(path) for path in _spread(label_paths(leaf), FOR_THE_HINT)):
        return None
    entries = [f"dict(name='{name}', ids=[{IGNORE_INDEX if name == absent[0] else i}])"
               for i, name in enumerate(leaf.CLASSES)]
    classes = (f'classes=[{", ".join(entries)}]' if len(entries) <= WRITTEN_OUT else
               f"{entries[leaf.CLASSES.index(absent[0])]} in classes")
    kind = '' if table is not None else "type='FolderDataset', "
    return (f'the labels hold {IGNORE_INDEX}, which is ignored; if it stands for {absent[0]}, give '
            f'{kind}{classes}')


def label_paths(leaf: Any) -> List[str]:
    """Return the paths of the labels of a data set over files."""
    return [os.path.join(leaf.ann_dir, info['ann']['seg_map']) for info in leaf.img_infos]


def _counts(leaf: Any) -> Iterator[Counts]:
    """Yield the counts of the classes in labels, those of class statistics first."""
    count, paths = label_counter(leaf), label_paths(leaf)
    root = Path(leaf.data_root or leaf.ann_dir)
    files = {relative_path(path, root): path for path in paths}
    recorded: Dict[str, Counts] = {} if own_label_step(leaf) else fresh_counts(root, list(files))
    for file, counts in recorded.items():
        yield from _trained(counts, leaf, files[file])
    rest: List[str] = [path for file, path in files.items() if file not in recorded]
    for path in _spread(rest, MOST_LABELS):
        try:
            counts = count(path)
        except UserError:  # the training tells, once it comes to this label
            continue
        yield from _trained(counts, leaf, path)


def _trained(counts: Counts, leaf: Any, path: str) -> Iterator[Counts]:
    try:
        yield as_trained(counts, leaf, path)
    except UserError:
        return


def _holds_255(path: str) -> bool:
    try:
        values = read_values(path)
    except UserError:
        return False
    return values.ndim == 2 and bool(np.any(values == IGNORE_INDEX))


def _folders(dataset: Any) -> str:
    folders: Tuple[str, ...] = tuple(dict.fromkeys(
        str(leaf.ann_dir) for leaf in leaf_datasets(dataset) if getattr(leaf, 'ann_dir', None)))
    return ', '.join(folders)


def _spread(items: List[str], most: int) -> List[str]:
    """At most so many of the items, evenly spread."""
    count = min(most, len(items))
    return [items[i * len(items) // count] for i in range(count)]
