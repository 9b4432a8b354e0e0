"""Pixel counts of the images of a source data set, read from disk or made on first use."""
import os
from pathlib import Path
from typing import Dict, List, Mapping

from mmseg.utils import get_root_logger

from ..errors import ConfigError, DataError, MissingFile
from .class_statistics import (
    Counts,
    count_classes,
    fresh_counts,
    load_class_statistics,
    match_files,
    save_class_statistics,
)
from .label_files import relative_path
from .loading import leaf_datasets
from .parallel import default_workers, progress_bar


def source_counts(dataset) -> List[Counts]:
    """For each image of a labelled data set, in order, its class -> pixels.

    The counts come from the JSON files in the data set's ``data_root`` (its ``ann_dir`` when it
    has none). Labels that these do not name, or that are newer than they are, are counted now,
    with a progress bar, and the files written anew; where they cannot be written, that is a
    warning.

    Raises:
        DataError: a label is damaged or holds ids out of range, or most are all ignore.
    """
    counts: List[Counts] = []
    for leaf in leaf_datasets(dataset):
        counts += _leaf_counts(leaf)
    if len(counts) != len(dataset):
        # a wrapper that repeats its images: they come round in the same order
        counts = [counts[i % len(counts)] for i in range(len(dataset))]
    return counts


def _leaf_counts(dataset) -> List[Counts]:
    if dataset.ann_dir is None:
        raise ConfigError(f'rare class sampling over {dataset.img_dir} needs labels, but the '
                          'config of the source has no ann_dir')
    root = Path(dataset.data_root or dataset.ann_dir)
    files = [relative_path(os.path.join(dataset.ann_dir, info['ann']['seg_map']), root)
             for info in dataset.img_infos]
    counts = fresh_counts(root, files)
    unknown = [file for file in files if file not in counts]
    if unknown:
        get_root_logger().info(f'counting the classes of {len(unknown)} of {len(files)} labels in '
                               f'{dataset.ann_dir}, once')
        counts.update(count_classes(root, unknown, _label_ids(dataset), dataset.ignore_index,
                                    default_workers(), progress_bar('class statistics')))
        _save(root, {**_others(root, files), **{file: counts[file] for file in files}})
    return [_as_trained(counts[file], dataset) for file in files]


def _label_ids(dataset) -> int:
    """How many class ids the files may hold, before the data set maps or shifts them."""
    if getattr(dataset, 'label_map', None):
        return len(dataset.label_map)
    return len(dataset.CLASSES) + bool(getattr(dataset, 'reduce_zero_label', False))


def _as_trained(counts: Mapping[int, int], dataset) -> Counts:
    """Counts of the ids in the file -> of the classes that the data set makes of them."""
    label_map = getattr(dataset, 'label_map', None) or {}
    shift = int(bool(getattr(dataset, 'reduce_zero_label', False)))
    trained: Dict[int, int] = {}
    for label_id, pixels in counts.items():
        class_id = label_map.get(label_id, label_id) - shift
        if 0 <= class_id < len(dataset.CLASSES):
            trained[class_id] = trained.get(class_id, 0) + pixels
    return trained


def _others(root: Path, files: List[str]) -> Dict[str, Counts]:
    """What the JSON files say of labels that exist, but are not of this data set."""
    try:
        recorded = load_class_statistics(root)
        ours = match_files(recorded, files)
    except (MissingFile, DataError):
        return {}
    return {name: counts for name, counts in recorded.items()
            if name not in ours and (root / name).is_file()}


def _save(root: Path, statistics: Dict[str, Counts]) -> None:
    try:
        save_class_statistics(root, statistics)
    except OSError as error:
        get_root_logger().warning(f'class statistics cannot be written to {root} '
                                  f'({error.strerror}): they are counted again on every start')
