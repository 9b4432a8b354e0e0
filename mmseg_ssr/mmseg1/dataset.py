"""Pairs of a labeled source image and an unlabeled target image, for mmseg 1.x."""
import copy
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

from mmengine.structures import PixelData
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample
from torch.utils.data import Dataset

from ..domains.pairs import Meaning, PairStream, check_pair, pixels_by_class, window
from ..domains.target_pipeline import MASK, after_loading, without_labels
from ..errors import ConfigError
from ..host import logger
from ..labels.rare_class_sampling import RareClassSampling, rare_class_sampler
from ..utils.registration import register
from .checked import (
    build_dataset,
    forget_last_loaded,
    keep_last_loaded,
    leaves,
    source_counts,
)

#: Key of the data set in configs.
PLACE = 'train_dataloader.dataset'


@register(DATASETS)
class UDADataset(Dataset):
    """A stream of training samples for unsupervised domain adaptation.

    Item ``i`` is the sample at position ``i`` of an endless stream. It depends on ``(seed, i)``
    alone, not on the worker that makes it or on earlier items. Any ``i >= 0`` is valid. Take
    ``sampler=dict(type='InfiniteSampler', shuffle=False)``. It starts over after ``len()`` samples,
    and then repeats the same ones: set ``length`` to iterations x batch size.

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
        length: the value of ``len()``. None is the size of the larger data set.
        keep_statistics: write the pixel counts into the source's ``data_root`` on first use. If
            False, they are counted again each time.

    Items are ``dict(inputs=, data_samples=, target=dict(inputs=, data_samples=))``. Inputs are
    3 x H x W uint8. The source's sample holds ``gt_sem_seg``, the target's ``valid_pseudo_mask``
    if it has margins (1 x H x W uint8, 1 = counts).

    Raises:
        ConfigError: classes of source and target differ, or an option is wrong.
        MissingFile, DataError: data is missing or not valid.
    """

    def __init__(self, source: Union[Mapping[str, Any], Dataset],
                 target: Union[Mapping[str, Any], Dataset],
                 rare_class_sampling: Optional[Mapping[str, Any]] = None,
                 sync_crop_size: Optional[Tuple[int, int]] = None,
                 seed: int = 0, length: Optional[int] = None, keep_statistics: bool = True):
        check_integer('seed', seed, 0)
        if length is not None:
            check_integer('length', length, 1)
        if isinstance(source, Mapping):
            source = build_dataset(source, need_labels=True)
        if isinstance(target, Mapping):
            target = build_dataset(target_config(target), need_labels=False)
        self.source, self.target = source, target
        self.sync_crop_size = sync_crop_size
        self.length = length or max(len(source), len(target))
        check_pair(*(Meaning(joined.metainfo['classes'], next(leaves(joined)).ignore_index)
                     for joined in (source, target)), PLACE)
        options = self.sampler = None
        if rare_class_sampling is not None:
            options = RareClassSampling.read(rare_class_sampling, PLACE)
            self.sampler = rare_class_sampler(
                (source_counts(part, keep_statistics)
                 for part in getattr(source, 'datasets', [source])), options)
            self.sampler.tell(self.metainfo['classes'], logger())
            if options.min_crop_ratio > 0:
                keep_last_loaded(source, resized=options.keep_scale)
        self.pairs = PairStream(source, target, self._pixels, seed, options, self.sampler,
                                begin=forget_last_loaded if options and options.keep_scale
                                else None)

    @property
    def metainfo(self) -> Dict[str, Any]:
        """The target's classes and palette."""
        return self.target.metainfo

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Dict[str, Any]:
        source, target, rng = self.pairs[index]
        check_packed(source, 'source')
        check_packed(target, 'target')
        if self.sync_crop_size is not None:
            shapes = [tuple(sample['inputs'].shape[1:]) for sample in (source, target)]
            rows, columns = window(shapes, self.sync_crop_size, rng, PLACE)
            source, target = (_cropped(sample, rows, columns) for sample in (source, target))
        return dict(source, target=target)

    def _pixels(self, sample: Mapping[str, Any]) -> List[int]:
        """Return the pixels of each class in a sample of the source."""
        check_packed(sample, 'source')
        return pixels_by_class(_label(sample['data_samples']), len(self.metainfo['classes']),
                               next(leaves(self.source)).ignore_index)


def check_integer(name: str, value: Any, least: int) -> None:
    """Raise a :class:`ConfigError` unless an option is an integer of at least ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(f'{PLACE}.{name} must be an integer of at least {least}, got {value!r}')


def target_config(config: Mapping[str, Any]) -> Dict[str, Any]:
    """Copy a data set's config and change it to train without labels.

    ``crop_pseudo_margins`` becomes the step :class:`.PseudoMargins`, and the last step packs its
    mask. Wrappers (``dataset=...``, ``datasets=[...]``) are changed inside.

    Raises:
        ConfigError: the pipeline has no place for the margins.
    """
    config = copy.deepcopy(dict(config))
    if 'datasets' in config:
        return dict(config, datasets=[target_config(part) for part in config['datasets']])
    if 'dataset' in config:
        return dict(config, dataset=target_config(config['dataset']))
    margins = config.pop('crop_pseudo_margins', None)
    pipeline = without_labels(config.get('pipeline', []), 'gt_seg_map', f'{PLACE}.target',
                              logger().warning)
    if margins is not None:
        pipeline = after_loading(pipeline, dict(type='PseudoMargins', margins=list(margins)),
                                 'PackSegInputs', f'{PLACE}.target.crop_pseudo_margins')
        pipeline[-1] = dict(pipeline[-1], type='PackTargetInputs')
    config['pipeline'] = pipeline
    return config


def check_packed(sample: Mapping[str, Any], name: str) -> None:
    """Raise a :class:`ConfigError` unless a pipeline packs its samples."""
    if 'inputs' not in sample:
        raise ConfigError(f"{PLACE}.{name}.pipeline gives no 'inputs': end it with "
                          "dict(type='PackSegInputs')")


def _label(sample: SegDataSample) -> Any:
    if 'gt_sem_seg' not in sample:
        raise ConfigError(f"{PLACE}.source.pipeline gives no label: put dict(type='LoadAnnotations'"
                          ') into it')
    return sample.gt_sem_seg.data


def _cropped(sample: Dict[str, Any], rows: slice, columns: slice) -> Dict[str, Any]:
    """Cut a window out of the image, the label and the mask of a sample."""
    img, old = sample['inputs'][:, rows, columns].contiguous(), sample['data_samples']
    new = SegDataSample(metainfo=dict(old.metainfo, img_shape=tuple(img.shape[1:])))
    for key in ('gt_sem_seg', MASK):
        if key in old:
            data = old.get(key).data[:, rows, columns].contiguous()
            new.set_data({key: PixelData(data=data)})
    return dict(inputs=img, data_samples=new)
