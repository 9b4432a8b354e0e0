"""Pairs of a labeled source image and an unlabeled target image."""
import operator
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

import numpy as np
import torch
from mmcv.parallel import DataContainer
from mmseg.datasets.builder import DATASETS
from mmseg.utils import get_root_logger
from torch.utils.data import Dataset

from ..errors import ConfigError, nearest
from ..labels.rare_class_sampling import RareClassSampler, RareClassSampling
from ..utils.registration import register
from ..utils.seeding import seeded
from .build import build_dataset, check_same_classes
from .pipelines.cached_loading import keep_last_loaded
from .pipelines.checked_loading import leaf_datasets
from .pipelines.pseudo_margins import MASK
from .source_statistics import source_counts
from .target_config import LABEL, target_config

#: Largest number of further crops drawn for a rare class (DAFormer).
MAX_REDRAWS = 10
SOURCE, TARGET = 0, 1


@register(DATASETS)
class UDADataset(Dataset):
    """A stream of training samples for unsupervised domain adaptation.

    Item ``i`` is the sample at position ``i`` of an endless stream. It depends on ``(seed, i)``
    alone, not on the worker that makes it or on earlier items. Any ``i >= 0`` is valid.
    ``len()`` only tells stock samplers where to start over.

    With rare class sampling, the source image is drawn for a class (see
    :mod:`~mmseg_ssr.labels.rare_class_sampling`) and the target image uniformly. Without it, both
    data sets are traversed repeatedly, in a new random order each time.

    Args:
        source: config of a data set with labels, or a built data set.
        target: config of a data set whose labels are neither needed nor read. It may have
            ``crop_pseudo_margins=[top, bottom, left, right]``: pixels of the full image whose
            pseudo-labels get no weight. A built data set is used unchanged.
        rare_class_sampling: the values of :class:`.RareClassSampling`, or None for none. The
            pixel counts are read from the source's ``data_root``, and written there on first use.
        sync_crop_size: (height, width) of one more crop, at the same random place in both images
            (HRDA), or None.
        seed: integer >= 0, the seed of the stream.
        length: the value of ``len()``. None is the size of the larger data set. A stock sampler
            repeats the same samples after this number of them. If you train with one, set
            iterations x batch size.
        keep_statistics: write the pixel counts into the source's ``data_root`` on first use. If
            False, they are counted again each time.

    Items are dicts of mmcv DataContainers: ``img`` 3 x H x W float32, ``gt_semantic_seg``
    1 x H x W int64 (255 = ignore), ``img_metas``, ``target_img``, ``target_img_metas`` and, with
    margins, ``valid_pseudo_mask`` 1 x H x W uint8 (1 = counts).

    Raises:
        ConfigError: classes of source and target differ, or an option is wrong.
        MissingFile, DataError: data is missing or not valid.
    """

    def __init__(self, source: Union[Mapping[str, Any], Dataset],
                 target: Union[Mapping[str, Any], Dataset],
                 rare_class_sampling: Optional[Mapping[str, float]] = None,
                 sync_crop_size: Optional[Tuple[int, int]] = None,
                 seed: int = 0, length: Optional[int] = None, keep_statistics: bool = True):
        if seed < 0:
            raise ConfigError(f'data.train.seed must be at least 0, got {seed}')
        if isinstance(source, (Mapping, list)):
            source = build_dataset(source, skip_unlabeled=True)
        if isinstance(target, (Mapping, list)):
            target = build_dataset(target_config(target), need_labels=False)
        self.source = source
        self.target = target
        self.seed = seed
        self.sync_crop_size = sync_crop_size
        self.length = length or max(len(source), len(target))
        self.CLASSES, self.PALETTE = target.CLASSES, target.PALETTE
        self.ignore_index = next(leaf_datasets(target)).ignore_index
        self._check_classes()
        self.rare_class_sampling: Optional[RareClassSampling] = None
        if rare_class_sampling is not None:
            self.rare_class_sampling = _options(rare_class_sampling)
            self.sampler = self._rare_class_sampler(keep_statistics)
            if self.rare_class_sampling.min_crop_ratio > 0:
                keep_last_loaded(self.source)

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Dict[str, DataContainer]]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Dict[str, DataContainer]:
        index = operator.index(index)
        if index < 0:
            raise IndexError(f'position in the stream of samples must be at least 0, got {index}')
        with seeded(self.seed, index) as rng:
            if self.rare_class_sampling is None:
                source = self.source[self._in_turn(SOURCE, index, len(self.source))]
                target = self.target[self._in_turn(TARGET, index, len(self.target))]
            else:
                source = self._rare_class_sample(rng)
                target = self.target[int(rng.integers(len(self.target)))]
            _check_keys(source, ('img', LABEL), 'source')
            _check_keys(target, ('img',), 'target')
            if self.sync_crop_size is not None:
                source, target = _synchronized_crop(source, target, self.sync_crop_size, rng)
        sample = dict(source, target_img=target['img'], target_img_metas=target['img_metas'])
        if MASK in target:
            sample[MASK] = target[MASK]
        return sample

    def drawn(self, index: int) -> Tuple[int, int]:
        """The class and the source image that rare class sampling draws for position ``index``."""
        with seeded(self.seed, index) as rng:
            return self.sampler.draw(rng)

    def _in_turn(self, stream: int, index: int, length: int) -> int:
        """Image at a position when all images are traversed in repeated random orders."""
        epoch, position = divmod(index, length)
        order = np.random.default_rng([self.seed, stream, epoch]).permutation(length)
        return int(order[position])

    def _rare_class_sample(self, rng: np.random.Generator) -> Dict[str, DataContainer]:
        """A source image with a drawn class, in a crop that holds it too if one is found."""
        class_id, image = self.sampler.draw(rng)
        sample = self.source[image]
        options = self.rare_class_sampling
        if options.min_crop_ratio > 0:
            for _ in range(MAX_REDRAWS):
                if int((sample[LABEL].data == class_id).sum()) > options.min_crop_pixels:
                    break
                sample = self.source[image]  # the pipeline crops at another place
        return sample

    def _rare_class_sampler(self, keep_statistics: bool) -> RareClassSampler:
        sampler = RareClassSampler(source_counts(self.source, keep_statistics),
                                   self.rare_class_sampling)
        if sampler.left_out:
            names = ', '.join(self.CLASSES[c] for c in sampler.left_out)
            get_root_logger().warning(
                f'rare class sampling never draws {names}: no source image holds more than '
                f'min_pixels = {self.rare_class_sampling.min_pixels} pixels of it')
        chances = ', '.join(f'{self.CLASSES[c]} {p:.4f}'
                            for c, p in zip(sampler.classes, sampler.probabilities))
        get_root_logger().info(f'rare class sampling draws {chances}')
        return sampler

    def _check_classes(self) -> None:
        for joined in (self.source, self.target):
            check_same_classes(leaf_datasets(joined))
        source, target = list(self.source.CLASSES or ()), list(self.target.CLASSES or ())
        if source != target:
            differ = [c for c in source + target if c not in source or c not in target]
            raise ConfigError(
                f'source has {len(source)} classes, target {len(target)}; '
                f'{"only one has " + ", ".join(differ) if differ else "their order differs"}: '
                'give both data sets the same classes (data.train.source, data.train.target)')
        ignored = next(leaf_datasets(self.source)).ignore_index
        if ignored != self.ignore_index:
            raise ConfigError(f'ignore_index of the source is {ignored}, of the target '
                              f'{self.ignore_index}: give both the same')


def _options(values: Mapping[str, float]) -> RareClassSampling:
    valid = RareClassSampling.__dataclass_fields__
    for key in values:
        if key not in valid:
            raise ConfigError(f'data.train.rare_class_sampling has no key {key!r}'
                              f'{nearest(key, valid)}')
    return RareClassSampling(**values)


def _check_keys(sample: Mapping[str, Any], keys: Tuple[str, ...], name: str) -> None:
    missing = [key for key in (*keys, 'img_metas') if key not in sample]
    if missing:
        raise ConfigError(f'data.train.{name}.pipeline gives no {missing[0]!r}: end it with '
                          f'Collect(keys={list(keys)})')


def _synchronized_crop(source: Dict[str, DataContainer], target: Dict[str, DataContainer],
                       size: Tuple[int, int], rng: np.random.Generator
                       ) -> List[Dict[str, DataContainer]]:
    """Crop the same window of ``size``, at a random place, from both samples."""
    shapes = [tuple(sample['img'].data.shape[1:]) for sample in (source, target)]
    if shapes[0] != shapes[1] or any(have < want for have, want in zip(shapes[0], size)):
        raise ConfigError(f'data.train.sync_crop_size {tuple(size)} needs source and target crops '
                          f'of one size that is not smaller, got {shapes[0]} and {shapes[1]}')
    top, left = (int(rng.integers(have - want + 1)) for have, want in zip(shapes[0], size))

    def crop(container: DataContainer) -> DataContainer:
        window: torch.Tensor = container.data[:, top:top + size[0], left:left + size[1]]
        return DataContainer(window.contiguous(), stack=container.stack)

    return [{key: crop(value) if key in ('img', LABEL, MASK) else value
             for key, value in sample.items()} for sample in (source, target)]
