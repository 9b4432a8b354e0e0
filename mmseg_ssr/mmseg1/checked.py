"""Data sets of mmseg 1.x from configs, with checked files and labels and counted classes."""
import os
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping

import numpy as np
from mmcv.transforms import LoadImageFromFile, RandomChoiceResize, RandomResize, Resize
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import DATASETS

from ..domains.label_check import LabelCheck
from ..domains.last_loaded import forget_last, keep_last
from ..domains.published import ORIGINS, published_at
from ..domains.source_counts import Labels, by_label_map, counts_of
from ..errors import ConfigError, MissingFile
from ..host import logger
from ..labels.files import count_pixels
from ..labels.statistics import Counts, count_train_ids
from ..utils.paths import is_folder
from .transforms import CheckedLabel, LoadByTable

#: The keys of mmseg's ``results`` that name the files.
FILES = ('img_path', 'seg_map_path')
#: Keys and steps of mmseg 0.x -> what mmseg 1.x has instead.
OLD_KEYS = dict(img_dir='data_prefix=dict(img_path=...)', ann_dir='data_prefix=dict(seg_map_path='
                '...)', split='ann_file')
OLD_STEPS = dict(Normalize='model.data_preprocessor', DefaultFormatBundle='PackSegInputs',
                 Collect='PackSegInputs', ImageToTensor='PackSegInputs')
RESIZING = (Resize, RandomResize, RandomChoiceResize)


def build_dataset(config: Mapping[str, Any], need_labels: bool) -> Any:
    """Build a data set of mmseg 1.x with checked loading, whose files exist.

    Raises:
        ConfigError: it has keys or steps of mmseg 0.x.
        MissingFile: its images or labels are missing. The message says where they are published.
    """
    for leaf in _leaf_configs(config):
        _check_line(leaf)
        _check_image_folder(leaf)
    dataset = DATASETS.build(dict(config))
    for leaf in leaves(dataset):
        _check_images(leaf)
        if need_labels:
            _check_labels(leaf)
        check_loading(leaf)
    return dataset


def leaves(dataset: Any) -> Iterator[Any]:
    """Yield the data sets that hold files, inside mmengine's wrappers."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from leaves(part)
    elif hasattr(dataset, 'dataset'):
        yield from leaves(dataset.dataset)
    else:
        yield dataset


def check_loading(leaf: Any) -> None:
    """Put the checks around the steps of a data set that load labels."""
    table = getattr(leaf, 'class_table', None)
    for i, step in enumerate(leaf.pipeline.transforms):
        if isinstance(step, LoadAnnotations):
            check = LabelCheck(logger, len(leaf.metainfo['classes']), leaf.ignore_index)
            leaf.pipeline.transforms[i] = CheckedLabel(
                step if table is None else LoadByTable(table), check)


def keep_last_loaded(dataset: Any, resized: bool = False) -> None:
    """Make the data sets keep the image and the label that they read last.

    Args:
        resized: keep them as they are resized, so that all crops of an image have one random scale.

    Raises:
        ConfigError: ``resized``, and a pipeline does not resize what it has read.
    """
    for leaf in leaves(dataset):
        keep_last(leaf.pipeline.transforms,
                  lambda step: isinstance(step, (LoadImageFromFile, CheckedLabel)), FILES,
                  (lambda step: isinstance(step, RESIZING)) if resized else None)


def forget_last_loaded(dataset: Any) -> None:
    """Let the data sets read, and resize, the next image anew."""
    for leaf in leaves(dataset):
        forget_last(leaf.pipeline.transforms)


def source_counts(dataset: Any, keep: bool = True) -> List[Counts]:
    """Return the pixels by class for each image of a labeled data set, in order.

    See :func:`~mmseg_ssr.domains.source_counts.counts_of`.
    """
    if hasattr(dataset, 'datasets'):
        return [counts for part in dataset.datasets for counts in source_counts(part, keep)]
    if hasattr(dataset, 'dataset'):
        # a wrapper may repeat its images, which come again in the same order
        counts = source_counts(dataset.dataset, keep)
        return [counts[i % len(counts)] for i in range(len(dataset))]
    return counts_of(_labels(dataset), keep, logger())


def _labels(leaf: Any) -> Labels:
    paths = [info['seg_map_path'] for info in _infos(leaf)]
    root = Path(leaf.data_root or leaf.data_prefix['seg_map_path'])
    table, own = getattr(leaf, 'class_table', None), _own_label_step(leaf)
    if own is not None:  # what it gives is no property of the files
        count = partial(_count_loaded, step=own, leaf=leaf)
        return Labels(root, paths, count, lambda counts, path: counts, from_files=False)
    if table is not None:
        return Labels(root, paths, table.count, table.by_class)
    values = len(leaf.label_map or leaf.metainfo['classes']) + bool(leaf.reduce_zero_label)
    return Labels(
        root, paths, partial(count_train_ids, num_classes=values, ignore_index=leaf.ignore_index),
        lambda counts, path: by_label_map(counts, leaf.label_map, leaf.reduce_zero_label,
                                          len(leaf.metainfo['classes']), leaf.ignore_index))


def _own_label_step(leaf: Any) -> Any:
    """The step that loads a data set's labels in a way of its own, or None."""
    for step in leaf.pipeline.transforms:
        load = getattr(step, 'load', None)
        if isinstance(load, LoadAnnotations) and (
                type(load)._load_seg_map is not LoadAnnotations._load_seg_map
                or type(load).transform is not LoadAnnotations.transform):
            return step
    return None


def _count_loaded(path: Path, step: Callable[[Dict], Dict], leaf: Any) -> Counts:
    """Count the classes in a label as a step loads it, without ignored pixels."""
    results = step(dict(seg_map_path=os.fspath(path), seg_fields=[], label_map=leaf.label_map,
                        reduce_zero_label=leaf.reduce_zero_label))
    return count_pixels(results['gt_seg_map'].astype(np.uint8), leaf.ignore_index)


def _infos(leaf: Any) -> List[Dict[str, Any]]:
    return [leaf.get_data_info(i) for i in range(len(leaf))]


def _leaf_configs(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    parts = config.get('datasets') or ([config['dataset']] if 'dataset' in config else [])
    for part in parts:
        yield from _leaf_configs(part)
    if not parts:
        yield config


def _check_line(config: Mapping[str, Any]) -> None:
    """Raise a :class:`ConfigError` for what a data set has in mmseg 0.x alone."""
    steps = [step.get('type') for step in config.get('pipeline') or ()]
    for old, new in [*((key, OLD_KEYS[key]) for key in config if key in OLD_KEYS),
                     *((step, OLD_STEPS[step]) for step in steps if step in OLD_STEPS)]:
        raise ConfigError(f'{config["type"]}: {old} is of mmseg 0.x, mmseg 1.x has {new} instead: '
                          '`mmseg-ssr migrate CONFIG OUTPUT` writes a whole config anew')


def _check_image_folder(config: Mapping[str, Any]) -> None:
    folder = (config.get('data_prefix') or {}).get('img_path')
    path = os.path.join(config.get('data_root') or '', folder or '')
    if folder is not None and config.get('backend_args') is None and not is_folder(path):
        name = config['type'] if isinstance(config['type'], str) else config['type'].__name__
        raise MissingFile(f'image folder {path} of {name} is missing: put the data set there'
                          f'{published_at(name)}')


def _check_images(leaf: Any) -> None:
    if len(leaf) == 0:
        name = type(leaf).__name__
        raise MissingFile(f'{leaf.data_prefix.get("img_path")} holds no image *{leaf.img_suffix} '
                          f'for {name}: put the data set there{published_at(name)}')


def _check_labels(leaf: Any) -> None:
    name, infos = type(leaf).__name__, _infos(leaf)
    if 'seg_map_path' not in infos[0]:
        raise ConfigError(f'{name} over {leaf.data_prefix.get("img_path")} needs labels, but its '
                          'data_prefix has no seg_map_path')
    if leaf.backend_args is not None:
        return
    missing = [info['seg_map_path'] for info in infos if not os.path.isfile(info['seg_map_path'])]
    if missing:
        origin = ORIGINS.get(name)
        make = (f'make them with: {origin.converter} {leaf.data_root or "FOLDER"}'
                if origin and origin.converter else 'put them there')
        raise MissingFile(f'{len(missing)} of {len(infos)} labels of {name} are missing (first: '
                          f'{missing[0]}): {make}')
