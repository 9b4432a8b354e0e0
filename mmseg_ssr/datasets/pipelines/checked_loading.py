"""Checks of images and labels as they are read. A fault is reported in one line.

The checks wrap the loading steps of a data set's pipeline. So they work for mmseg's own steps, for
those of a host project, and for configs that do not know of them. They cost about 2 ms for a label
of 1914 x 1052 pixels and nothing for an image.
"""
import os
from typing import Dict, Iterator, Optional, Sequence

import cv2
from mmseg.datasets.pipelines import LoadAnnotations, LoadImageFromFile
from mmseg.utils import get_root_logger

from ...domains.label_check import LabelCheck, label_error
from ...errors import WRONG_VALUE, ConfigError, DataError, UserError, said
from ...labels.class_table import ClassTable
from ...labels.files import check_label_kind
from ...labels.ignore_index import IGNORE_INDEX
from ...utils.paths import check_file
from .antialiased_resize import ResizeForScore, ScoredLabel, resized, same_aspect
from .image_loading import CheckedImage, loading_step, refused


def leaf_datasets(dataset) -> Iterator:
    """Yield the data sets that hold files, inside mmseg's Concat-, Repeat- and other wrappers."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from leaf_datasets(part)
    elif hasattr(dataset, 'dataset'):
        yield from leaf_datasets(dataset.dataset)
    else:
        yield dataset


def check_loading(dataset) -> None:
    """Put the checks around the loading steps of a built data set. A second call does nothing.

    Args:
        dataset: an mmseg data set, or a wrapper of data sets.

    Raises:
        ConfigError: a data set removes class 0 and its pipeline does not, or the reverse.
    """
    for leaf in leaf_datasets(dataset):
        transforms = getattr(getattr(leaf, 'pipeline', None), 'transforms', [])
        for step in transforms:
            _check_label_step(step, leaf)
        transforms[:] = [_checked(step, leaf) for step in transforms]
        if not hasattr(leaf, 'loading'):  # later steps may be joined into others
            leaf.loading = loading_step(transforms), _own_label_step(transforms)
        if getattr(leaf, 'label_map', None):
            # mmseg maps left-out classes to -1 and trusts uint8 to wrap it, but numpy 2 refuses
            leaf.label_map = {old: new if new >= 0 else leaf.ignore_index
                              for old, new in leaf.label_map.items()}
        if hasattr(leaf, 'gt_seg_map_loader'):  # for evaluation, since mmseg 0.19
            leaf.gt_seg_map_loader = _scored(
                _checked(leaf.gt_seg_map_loader, leaf, 'scored on'), transforms)


def _check_label_step(step, dataset) -> None:
    """Check that counts, scores and training agree on the classes."""
    if isinstance(step, LoadAnnotations):
        if is_own(step) and hasattr(dataset, 'class_table'):
            raise ConfigError(f'{type(dataset).__name__} reads labels by its classes, so '
                              f'{type(step).__name__} in its pipeline would not be used: name '
                              'LoadAnnotations, or take a data set of type CustomDataset')
        taken_out = bool(getattr(dataset, 'reduce_zero_label', False))
        if bool(step.reduce_zero_label) != taken_out:
            raise ConfigError(f'reduce_zero_label is {taken_out} in {type(dataset).__name__} and '
                              f'{step.reduce_zero_label} in the LoadAnnotations of its pipeline: '
                              'both must be the same')


def is_own(step) -> bool:
    """Whether a step derived from mmseg's ``LoadAnnotations`` reads labels in a way of its own."""
    return (isinstance(step, LoadAnnotations)
            and type(step).__call__ is not LoadAnnotations.__call__)


def image_step(dataset) -> CheckedImage:
    """The step that loads a data set's images, mmseg's own if none is known."""
    return getattr(dataset, 'loading', (CheckedImage(LoadImageFromFile()), ))[0]


def own_label_step(dataset) -> Optional['CheckedLabel']:
    """The step that loads a data set's labels in a way of its own, or None. It gives classes."""
    return getattr(dataset, 'loading', (None, None))[1]


def _own_label_step(steps: Sequence) -> Optional['CheckedLabel']:
    found = [step for step in steps if isinstance(step, CheckedLabel) and is_own(step.load)]
    return found[0] if found else None


def _checked(step, dataset, purpose: str = 'learned from'):
    if isinstance(step, (CheckedImage, CheckedLabel, CheckedStep, ScoredLabel)):
        return step
    if isinstance(step, LoadImageFromFile):
        return CheckedImage(step)
    if isinstance(step, LoadAnnotations) and dataset.CLASSES is not None:
        table = getattr(dataset, 'class_table', None)
        load = step if table is None else LoadByTable(table)
        # in an evaluation mmseg removes class 0 after reading, so files hold one id more
        shifted = getattr(dataset, 'reduce_zero_label', False) and not step.reduce_zero_label
        return CheckedLabel(load, len(dataset.CLASSES) + bool(shifted), dataset.ignore_index,
                            purpose, resizes=getattr(dataset, 'resizes_labels', False))
    return CheckedStep(step, type(dataset).__name__)


def _scored(load, steps: Sequence):
    """Let the loader of a test's labels resize them as the pipeline resizes its images."""
    sizes = [step for step in (getattr(step, 'step', step) for step in steps)
             if isinstance(step, ResizeForScore)]
    return load if not sizes or isinstance(load, ScoredLabel) else ScoredLabel(load, sizes[0])


class CheckedStep:
    """Any other step of a pipeline. If it fails, the error names it and its image.

    Args:
        step: the step.
        dataset: the data set of its pipeline, for the message.

    Raises:
        ConfigError: the step refuses an argument or its input.
        DataError: OpenCV cannot process an image, such as one of 3000 x 1 pixels.
    """

    def __init__(self, step, dataset: str):
        self.step = step
        self.dataset = dataset

    def __call__(self, results: Dict) -> Dict:
        given = results if isinstance(results, dict) else {}
        file = given.get('filename') or 'what it is given'
        where = f'{type(self.step).__name__} in the pipeline of {self.dataset} fails on {file}'
        try:
            return self.step(results)
        except UserError:
            raise
        except cv2.error as error:
            raise DataError(f'{where}: {refused(error, given.get("img"))}') from error
        except WRONG_VALUE as error:
            raise ConfigError(f'{where}: {said(error)}; check its arguments and the order of the '
                              'steps') from error

    def __repr__(self) -> str:
        return repr(self.step)


class LoadByTable:
    """Replaces mmseg's ``LoadAnnotations`` in data sets with a :class:`.ClassTable`."""

    def __init__(self, table: ClassTable):
        self.table = table

    def __call__(self, results: Dict) -> Dict:
        file = _path(results.get('seg_prefix'), results['ann_info']['seg_map'])
        results['gt_semantic_seg'] = self.table.read(file)
        results['seg_fields'].append('gt_semantic_seg')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({len(self.table.names)} classes)'


class CheckedLabel:
    """A step that loads a label, and checks it (:class:`.LabelCheck`).

    Args:
        load: mmseg's ``LoadAnnotations``, or a step with its keys.
        num_classes, ignore_index, purpose: as in :class:`.LabelCheck`.
        resizes: whether a label gets the size of its image, by the nearest pixel, if both have one
            aspect.

    Raises:
        MissingFile: the label is missing.
        DataError: the label cannot be decoded, has a format that mmseg misreads, or does not pass
            the check.
    """

    def __init__(self, load, num_classes: int, ignore_index: int = IGNORE_INDEX,
                 purpose: str = 'learned from', resizes: bool = False):
        self.load = load
        self.check = LabelCheck(get_root_logger, num_classes, ignore_index, purpose)
        self.num_classes, self.ignore_index = num_classes, ignore_index
        self.resizes = resizes

    def __call__(self, results: Dict) -> Dict:
        file = _path(results.get('seg_prefix'), results['ann_info']['seg_map'])
        try:
            if self._on_disk():
                check_file(file, 'label')
                if isinstance(self.load, LoadAnnotations) and not is_own(self.load):
                    check_label_kind(file)
            results = self.load(results)
        except Exception as error:
            meaning = label_error(file, error)
            if meaning is error:
                raise
            if is_own(self.load) and not isinstance(error, (OSError, UserError)):
                meaning = DataError(f'label {file} is not loaded by {type(self.load).__name__}: '
                                    f'{said(error)}')
            raise meaning from error
        label, image = results['gt_semantic_seg'], results.get('img')
        if self.resizes and image is not None and same_aspect(label.shape, image.shape):
            label = results['gt_semantic_seg'] = resized(label, image.shape[:2], 'nearest')
        self.check(label, file, image, results.get('filename'))
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.load!r}, num_classes={self.num_classes})'

    def _on_disk(self) -> bool:
        where = getattr(self.load, 'file_client_args', dict(backend='disk'))
        return where == dict(backend='disk')


def _path(prefix, name: str) -> str:
    return os.path.join(prefix, name) if prefix is not None else name
