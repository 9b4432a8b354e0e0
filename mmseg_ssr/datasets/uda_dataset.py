"""Pairs of a labeled source image and an unlabeled target image."""
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

import numpy as np
from mmcv.parallel import DataContainer
from mmseg.datasets.builder import DATASETS
from mmseg.utils import get_root_logger
from torch.utils.data import Dataset

from ..domains.pairs import Meaning, PairStream, check_pair, pixels_by_class, window
from ..errors import ConfigError
from ..labels.rare_class_sampling import RareClassSampling, rare_class_sampler
from ..utils.registration import register
from .build import build_dataset, check_parts, check_same_classes
from .pipelines.cached_loading import forget_last_loaded, keep_last_loaded
from .pipelines.checked_loading import leaf_datasets
from .pipelines.encoder_maps import MAP, with_maps
from .pipelines.pseudo_margins import MASK
from .source_statistics import source_counts
from .target_config import LABEL, target_config

#: Key of the data set in configs.
PLACE = 'data.train'


@register(DATASETS)
class UDADataset(Dataset):
    """A stream of training samples for unsupervised domain adaptation.

    Item ``i`` is the sample at position ``i`` of an endless stream. It depends on ``(seed, i)``
    alone, not on the worker that makes it or on earlier items. Any ``i >= 0`` is valid.
    ``len()`` only tells stock samplers where to start over.

    With rare class sampling, the source image is drawn for a class (see
    :mod:`~mmseg_ssr.labels.rare_class_sampling`) and the target image uniformly. Without it, both
    data sets are traversed repeatedly, in a new random order each time. Several sources or targets
    count as one data set, in which each has its share of the images.

    Args:
        source: config of a data set with labels, a list of some, or a built data set.
        target: the same for data whose labels are neither needed nor read. A config may have
            ``crop_pseudo_margins=[top, bottom, left, right]``: pixels or shares of the full image
            whose pseudo-labels get no weight. A built data set is used unchanged.
            The configs of both may have ``encoder_maps``, the folder with the frozen encoder's maps
            of their whole images (``mmseg-ssr encoder-maps``).
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
    margins, ``valid_pseudo_mask`` 1 x H x W uint8 (1 = counts), and with maps ``encoder_map`` and
    ``target_encoder_map``, C x H / 8 x W / 8 float32.

    Raises:
        ConfigError: classes of source and target differ, or an option is wrong.
        MissingFile, DataError: data is missing or not valid.
    """

    def __init__(self, source: Union[Mapping[str, Any], Dataset],
                 target: Union[Mapping[str, Any], Dataset],
                 rare_class_sampling: Optional[Mapping[str, Any]] = None,
                 sync_crop_size: Optional[Tuple[int, int]] = None,
                 seed: int = 0, length: Optional[int] = None, keep_statistics: bool = True):
        if seed < 0:
            raise ConfigError(f'data.train.seed must be at least 0, got {seed}')
        for side, value in (('source', source), ('target', target)):
            if value is None or isinstance(value, (Mapping, list, tuple, str)):
                check_parts(value, f'{PLACE}.{side}')
        if isinstance(source, (Mapping, list)):
            source = build_dataset(_with_maps(source), skip_unlabeled=True)
        if isinstance(target, (Mapping, list)):
            target = build_dataset(_with_maps(target_config(target)), need_labels=False,
                                   read_labels=False)
        self.source = source
        self.target = target
        self.seed = seed
        self.sync_crop_size = sync_crop_size
        self.length = length or max(len(source), len(target))
        self.CLASSES, self.PALETTE = target.CLASSES, target.PALETTE
        self.ignore_index = next(leaf_datasets(target)).ignore_index
        for joined in (source, target):
            check_same_classes(leaf_datasets(joined))
        check_pair(*(Meaning(joined.CLASSES, next(leaf_datasets(joined)).ignore_index)
                     for joined in (source, target)), PLACE)
        self.rare_class_sampling: Optional[RareClassSampling] = None
        if rare_class_sampling is not None:
            self.rare_class_sampling = RareClassSampling.read(rare_class_sampling, PLACE)
            self.sampler = rare_class_sampler(
                (source_counts(part, keep_statistics)
                 for part in getattr(source, 'datasets', [source])), self.rare_class_sampling)
            self.sampler.tell(self.CLASSES, get_root_logger())
            if self.rare_class_sampling.min_crop_ratio > 0:
                keep_last_loaded(source, resized=self.rare_class_sampling.keep_scale)
        self.pairs = PairStream(source, target, self._pixels, seed, self.rare_class_sampling,
                                getattr(self, 'sampler', None), begin=self._begin)

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Dict[str, DataContainer]]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Dict[str, DataContainer]:
        source, target, rng = self.pairs[index]
        _check_keys(source, ('img', LABEL), 'source')
        _check_keys(target, ('img',), 'target')
        if self.sync_crop_size is not None:
            source, target = _synchronized_crop(source, target, self.sync_crop_size, rng)
        sample = dict(source, target_img=target['img'], target_img_metas=target['img_metas'])
        if MASK in target:
            sample[MASK] = target[MASK]
        if MAP in target:
            sample[f'target_{MAP}'] = target[MAP]
        return sample

    def drawn(self, index: int) -> Tuple[int, int]:
        """The class and the source image that rare class sampling draws for position ``index``."""
        return self.pairs.drawn(index)

    def _begin(self, source: Dataset) -> None:
        if self.rare_class_sampling.keep_scale:
            forget_last_loaded(source)

    def _pixels(self, sample: Mapping[str, Any]) -> List[int]:
        """Return the pixels of each class in a sample of the source."""
        return pixels_by_class(sample[LABEL].data, len(self.CLASSES), self.ignore_index)


def _with_maps(config: Union[Mapping[str, Any], list]) -> Union[dict, list]:
    return list(map(with_maps, config)) if isinstance(config, list) else with_maps(config)


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
    rows, columns = window(shapes, size, rng, PLACE)

    def crop(container: DataContainer) -> DataContainer:
        return DataContainer(container.data[:, rows, columns].contiguous(), stack=container.stack)

    return [{key: crop(value) if key in ('img', LABEL, MASK) else value
             for key, value in sample.items()} for sample in (source, target)]
