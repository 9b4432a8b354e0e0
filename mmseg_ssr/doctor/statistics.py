"""A source's class statistics compared with its labels."""
import os
import shlex
from pathlib import Path
from typing import Dict, List, Mapping, Tuple

from ..datasets.source_statistics import as_trained
from ..errors import UserError, one_line
from ..labels.files import relative_path
from ..labels.statistics import (
    STATISTICS,
    STATISTICS_FILES,
    Counts,
    fresh_counts,
    load_class_statistics,
    match_files,
)
from ..utils.folders import list_files
from .files import Examiner
from .finding import Finding, Stage

NEXT_START = 'nothing: the labels are counted when a training starts'


def examine_statistics(dataset, labels: List[str], trained: Mapping[str, Counts],
                       examiner: Examiner) -> List[Finding]:
    """Check the three JSON files of a source.

    Args:
        labels: paths of all its existing labels.
        trained: path -> class -> pixels, for the labels that were read.
    """
    root = Path(dataset.data_root or dataset.ann_dir)
    missing = [name for name in STATISTICS_FILES if not (root / name).exists()]
    make = examiner.convert or NEXT_START
    if STATISTICS in missing:
        return [_warning('class statistics are missing', str(root / name), 'no such file', make)
                for name in missing]
    anew = _anew(root, examiner)
    ours = {relative_path(os.path.join(dataset.ann_dir, info['ann']['seg_map']), root)
            for info in dataset.img_infos}  # a missing label is a finding already
    try:
        recorded = load_class_statistics(root)
        gone = sorted(set(recorded) - set(match_files(recorded, {*list_files(str(root)), *ours})))
    except UserError as error:
        return [_warning('class statistics are damaged', str(root / STATISTICS), one_line(error),
                         anew)]
    findings = [_warning('class statistics are missing', str(root / name), 'no such file', anew)
                for name in missing]
    findings += [_warning('class statistics name a file that is not there', name,
                          f'counts in {root / STATISTICS}', anew) for name in gone]
    return findings + _compare(dataset, root, labels, trained, make, anew)


def _compare(dataset, root: Path, labels: List[str], trained: Mapping[str, Counts], make: str,
             anew: str) -> List[Finding]:
    files = {relative_path(label, root): label for label in labels}
    fresh = fresh_counts(root, list(files))
    findings = [_warning('class statistics are older than the label, or lack it', label,
                         f'no counts in {root / STATISTICS} that are newer', make)
                for file, label in files.items() if file not in fresh]
    for file, counts in fresh.items():
        label = files[file]
        if label in trained:
            said, held = _difference(dataset, counts, trained[label], label)
            if said != held:
                findings.append(Finding(
                    Stage.STATISTICS, 'class statistics are of another label', label,
                    f'{said} in {root / STATISTICS}, {held} in the label', 'the same numbers',
                    anew))
    return findings


def _difference(dataset, counts: Counts, trained: Counts, label: str) -> Tuple[str, str]:
    """Pixels of the first class that differs, as recorded and as in the label."""
    try:
        recorded = as_trained(counts, dataset, label)
    except UserError as error:
        return one_line(error), ''
    for i, name in enumerate(dataset.CLASSES):
        if recorded.get(i, 0) != trained.get(i, 0):
            return tuple(f'{table.get(i, 0)} pixels of {name}' for table in (recorded, trained))
    return '', ''


def _anew(root: Path, examiner: Examiner) -> str:
    """How to write statistics again: converters trust newer ones, so they must be deleted first."""
    remove = f'rm {shlex.quote(os.path.join(root, STATISTICS))}'
    return f'{remove} && {examiner.convert}' if examiner.convert else (
        f'{remove} (the labels are counted when a training starts)')


def _warning(title: str, file: str, found: str, mend: str) -> Finding:
    return Finding(Stage.STATISTICS, title, file, found, 'counts of every label', mend, True)


def class_shares(dataset, trained: Mapping[str, Counts]) -> Dict[str, float]:
    """Class -> its share of the pixels of all labels that were read."""
    totals = [0] * len(dataset.CLASSES)
    for counts in trained.values():
        for i, pixels in counts.items():
            totals[i] += pixels
    whole = max(sum(totals), 1)
    return {name: total / whole for name, total in zip(dataset.CLASSES, totals)}
