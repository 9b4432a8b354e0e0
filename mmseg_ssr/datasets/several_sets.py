"""Several labeled data sets that one evaluation scores, each for itself or all as one."""
import copy
import itertools
from collections.abc import Sequence
from typing import Any, Dict, Iterator, List, Tuple, Union

import numpy as np
from mmcv.utils import print_log
from torch.utils.data import Dataset

from ..errors import ConfigError
from .build import build_dataset, check_parts, check_same_classes
from .pipelines.checked_loading import leaf_datasets

#: Wrappers that repeat or mix images, which no score is for.
NOT_SCORED = ('RepeatDataset', 'MultiImageMixDataset', 'UDADataset')
#: Keys that may hold a list, one entry for each of several sets.
LISTED = ('img_dir', 'ann_dir', 'split')


class SeveralSets(Dataset):
    """Data sets for one evaluation, one after the other.

    Args:
        datasets: the sets.
        separate: whether each set has scores of its own. They are called ``0_mIoU``, ``1_mIoU`` and
            so on, as mmseg calls them, and the plain ``mIoU`` is their mean. Otherwise all images
            count as one set.
    """

    def __init__(self, datasets: List[Any], separate: bool = True):
        self.datasets = datasets
        self.separate = separate
        self.CLASSES, self.PALETTE = datasets[0].CLASSES, datasets[0].PALETTE
        self.ignore_index = next(leaf_datasets(datasets[0])).ignore_index

    def __len__(self) -> int:
        return sum(map(len, self.datasets))

    def __getitem__(self, index: int) -> Any:
        part, inner = self._part(index)
        return part[inner]

    @property
    def img_infos(self) -> List[Dict[str, Any]]:
        """What mmseg notes of each image. Lists of it are not set here, see :func:`subset`."""
        return list(itertools.chain.from_iterable(part.img_infos for part in self.datasets))

    def pre_eval(self, preds: Any, indices: Union[int, Sequence]) -> List[Any]:
        """Compare predictions as the set of each image does."""
        indices = indices if isinstance(indices, list) else [indices]
        preds = preds if isinstance(preds, list) else [preds]
        found = []
        for prediction, index in zip(preds, indices):
            part, inner = self._part(index)
            found += part.pre_eval([prediction], [inner])
        return found

    def by_set(self, results: Sequence) -> Iterator[Tuple[Any, Sequence]]:
        """Yield each set and its part of the results of all images."""
        start = 0
        for part in self.datasets:
            yield part, results[start:start + len(part)]
            start += len(part)

    def evaluate(self, results: Sequence, logger: Any = None, **options: Any) -> Dict[str, float]:
        """Score the results of all images.

        Returns:
            The plain scores, then those of each set. The means leave NaN out, which is the IoU of a
            class that a set lacks.
        """
        if not self.separate:
            return next(leaf_datasets(self)).evaluate(results, logger=logger, **options)
        sets = []
        for number, (part, own) in enumerate(self.by_set(results)):
            if own:  # of a few images, one set may have none
                print_log(f'set {number}: {len(own)} images of '
                          f'{", ".join(str(leaf.img_dir) for leaf in leaf_datasets(part))}',
                          logger=logger)
                sets.append((number, part.evaluate(own, logger=logger, **options)))
        shared = [name for name in sets[0][1] if all(name in values for _, values in sets)]
        plain = {name: _mean([values[name] for _, values in sets]) for name in shared}
        if 'mIoU' in plain:
            print_log(f'mIoU {100 * plain["mIoU"]:.2f}, the mean over {len(sets)} sets',
                      logger=logger)
        return {**plain, **{f'{number}_{name}': value for number, values in sets
                            for name, value in values.items()}}

    def located(self, index: int) -> Tuple[Any, int]:
        """Return the innermost set of an image, and its place there."""
        part, inner = self._part(index)
        return part.located(inner) if isinstance(part, SeveralSets) else (part, inner)

    def _part(self, index: int) -> Tuple[Any, int]:
        for part in self.datasets:
            if index < len(part):
                return part, index
            index -= len(part)
        raise IndexError('there is no such image')


def build_scored(config: Union[dict, List[dict]], **options: Any) -> Dataset:
    """Build the data set of an evaluation, or the several that the config names.

    Args:
        config: a data set, a list of some, ``dict(type='ConcatDataset', datasets=[...])``, or one
            whose ``img_dir``, ``ann_dir`` or ``split`` is a list.
        options: arguments of :func:`~mmseg_ssr.datasets.build_dataset`.

    Raises:
        ConfigError, MissingFile, DataError: see :func:`~mmseg_ssr.datasets.build_dataset`.
    """
    check_parts(config)
    parts, separate = sets_in(config)
    if parts == [config]:
        return build_dataset(config, test_mode=True, **options)
    datasets = [build_scored(part, **options) for part in parts]
    check_same_classes(leaf for part in datasets for leaf in leaf_datasets(part))
    if not separate:
        _check_scored_as_one([leaf for part in datasets for leaf in leaf_datasets(part)])
    return datasets[0] if len(datasets) == 1 else SeveralSets(datasets, separate)


def _check_scored_as_one(leaves: List[Any]) -> None:
    kinds = {(type(leaf), getattr(leaf, 'reduce_zero_label', False)) for leaf in leaves}
    if len(kinds) > 1 or any(getattr(leaf, 'image_groups', dict)() for leaf in leaves):
        raise ConfigError('separate_eval=False scores all sets as one, so they must be of one type '
                          'and reduce_zero_label, and must have no scores of parts: set it to True')


def sets_in(config: Any) -> Tuple[List[Any], bool]:
    """Return the configs of the sets that a config names, and whether each is scored for itself.

    Raises:
        ConfigError: it is a wrapper that cannot be scored, or its lists differ in length.
    """
    if isinstance(config, (list, tuple)):
        return list(config), True
    kind, separate = config.get('type'), config.get('separate_eval', True)
    if kind in NOT_SCORED:
        raise ConfigError(f'{kind} cannot be scored: give the data set inside it')
    if kind == 'ConcatDataset':
        return list(config['datasets']), separate
    listed = {key: list(config[key]) for key in LISTED if isinstance(config.get(key), Sequence)
              and not isinstance(config[key], str)}
    if not listed:
        if 'separate_eval' in config:
            raise ConfigError('separate_eval is for several sets, and there is one: remove it')
        return [config], True
    counts = {key: len(values) for key, values in listed.items()}
    single = [key for key in ('img_dir', 'ann_dir') if isinstance(config.get(key), str)]
    if len(set(counts.values())) > 1 or not all(counts.values()) or (
            single and 'split' not in listed):
        shown = ', '.join(f'{count} of {key}' for key, count in
                          {**counts, **dict.fromkeys(single, 1)}.items())
        raise ConfigError(f'as many img_dir, ann_dir and split must be given, got {shown}')
    rest = {key: value for key, value in config.items() if key != 'separate_eval'}
    return [{**rest, **dict(zip(listed, values))} for values in zip(*listed.values())], separate


def subset(dataset: Any, indices: Sequence) -> Any:
    """Return a copy of a data set with some of its images, in the order of the data set."""
    some = copy.copy(dataset)
    if not isinstance(dataset, SeveralSets):
        some.img_infos = [dataset.img_infos[i] for i in indices]
        return some
    some.datasets, start = [], 0
    for part in dataset.datasets:
        own = [i - start for i in indices if start <= i < start + len(part)]
        some.datasets.append(subset(part, own))
        start += len(part)
    return some


def first_images(dataset: Any, count: int) -> Any:
    """Return a copy with the first images of a data set, or of each of several sets."""
    if isinstance(dataset, SeveralSets):
        some = subset(dataset, range(len(dataset)))
        some.datasets = [first_images(part, count) for part in dataset.datasets]
        return some
    return subset(dataset, range(min(count, len(dataset))))


def _mean(values: List[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float('nan')


def check_sets(config: Any) -> None:
    """Raise the :class:`ConfigError` of :func:`sets_in` for a config and all sets in it."""
    check_parts(config)
    parts, _ = sets_in(config)
    for part in parts:
        if part is not config:
            check_sets(part)


def as_list(value: Union[str, Sequence]) -> List[str]:
    """Return the entries of a key that may hold one or several."""
    return [value] if isinstance(value, str) else list(value)
