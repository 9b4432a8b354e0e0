"""Pixel counts of a source data set's images, read from disk or counted on first use."""
import os
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from mmseg.utils import get_root_logger

from ..domains.source_counts import Labels, by_label_map, counts_of
from ..errors import ConfigError, DataError
from ..labels.files import PathLike, count_pixels, image_size
from ..labels.statistics import Counts, count_train_ids
from ..utils.parallel import default_workers, parallel_map
from .pipelines.checked_loading import CheckedLabel, image_step, own_label_step
from .pipelines.image_loading import CheckedImage


def source_counts(dataset, keep: bool = True) -> List[Counts]:
    """Pixels by class for each image of a labeled data set, in order.

    The counts come from the JSON files in the data set's ``data_root`` (its ``ann_dir`` if it has
    none). Labels that are missing there or newer than the files are counted now, with a progress
    bar, and the files are written again. If they cannot be written, a warning is logged.

    Args:
        keep: whether to write files.

    Raises:
        DataError: a label is damaged, holds ids out of range or has another size than its image,
            or most labels are all ignore.
    """
    if hasattr(dataset, 'datasets'):
        return [counts for part in dataset.datasets for counts in source_counts(part, keep)]
    if hasattr(dataset, 'dataset'):
        # a wrapper may repeat its images, which come again in the same order
        counts = source_counts(dataset.dataset, keep)
        return [counts[i % len(counts)] for i in range(len(dataset))]
    return _leaf_counts(dataset, keep)


def _leaf_counts(dataset, keep: bool) -> List[Counts]:
    if dataset.ann_dir is None:
        raise ConfigError(f'rare class sampling over {dataset.img_dir} needs labels, but the '
                          'config of the source has no ann_dir')
    paths = [os.path.join(dataset.ann_dir, info['ann']['seg_map']) for info in dataset.img_infos]
    own = own_label_step(dataset)  # what it gives is no property of the files
    labels = Labels(
        Path(dataset.data_root or dataset.ann_dir), paths, label_counter(dataset),
        lambda counts, path: as_trained(counts, dataset, path),
        None if own or getattr(dataset, 'resizes_labels', False)
        else lambda unknown: _check_sizes(dataset, paths, unknown), own is None)
    return counts_of(labels, keep, get_root_logger())


def _check_sizes(dataset, labels: Sequence[str], unknown: Sequence[int]) -> None:
    """Check that the labels at these positions have the sizes of their images."""
    images = [os.path.join(dataset.img_dir, info['filename']) for info in dataset.img_infos]
    parallel_map(partial(_check_size, load=image_step(dataset)),
                 [(images[i], labels[i]) for i in unknown], default_workers())


def _check_size(pair: Tuple[str, str], load: CheckedImage) -> None:
    image, label = pair
    sizes = image_size(label, turned=False), load.size(image)
    if sizes[0] != sizes[1]:
        sizes = ['{} x {}'.format(*size) for size in sizes]
        raise DataError(f'label {label} is {sizes[0]} pixels, but its image {image} is {sizes[1]}: '
                        'they must be of one size')


def count_loaded(path: PathLike, step: CheckedLabel, label_map: Optional[Dict[int, int]]) -> Counts:
    """Count the classes in a label as a step loads it, without ignored pixels.

    Raises:
        MissingFile, DataError: see :class:`.CheckedLabel`.
    """
    results = dict(ann_info=dict(seg_map=os.fspath(path)), seg_prefix=None, seg_fields=[])
    if label_map:
        results['label_map'] = label_map
    return count_pixels(step(results)['gt_semantic_seg'].astype(np.uint8), step.ignore_index)


def label_counter(dataset) -> Callable[[Path], Counts]:
    """Make a function that counts the values in a label file, before the data set maps them."""
    own = own_label_step(dataset)
    if own is not None:
        return partial(count_loaded, step=own, label_map=getattr(dataset, 'label_map', None))
    table = getattr(dataset, 'class_table', None)
    if table is not None:
        return table.count
    # number of class ids that files may hold, before the data set maps or shifts them
    ids = len(getattr(dataset, 'label_map', None) or dataset.CLASSES)
    ids += bool(getattr(dataset, 'reduce_zero_label', False))
    return partial(count_train_ids, num_classes=ids, ignore_index=dataset.ignore_index)


def as_trained(counts: Mapping[int, int], dataset, path: PathLike) -> Counts:
    """Turn counts of the values in a file into counts of the data set's classes."""
    if own_label_step(dataset) is not None:
        return dict(counts)
    if getattr(dataset, 'class_table', None) is not None:
        return dataset.class_table.by_class(counts, path)
    return by_label_map(counts, getattr(dataset, 'label_map', None),
                        getattr(dataset, 'reduce_zero_label', False), len(dataset.CLASSES),
                        dataset.ignore_index)
