"""Data sets and their loading: those of mmseg 0.x in the words of mmseg 1.x."""
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from ..errors import ConfigError, nearest
from .pipeline import test_pipeline, training_pipeline

#: Data set of mmseg 0.x -> that of mmseg 1.x.
DATASETS: Dict[str, str] = {
    'GTADataset': 'GTADataset',
    'SynthiaDataset': 'SynthiaDataset',
    'CityscapesDataset': 'CityscapesDataset',
    'CityscapesSynthiaDataset': 'CityscapesDataset',
    'DarkZurichDataset': 'DarkZurichDataset',
    'ADE20KDataset': 'ADE20KDataset',
    'FolderDataset': 'FolderDataset',
}
#: Their keys that keep their names.
KEPT = ('data_root', 'img_suffix', 'seg_map_suffix', 'ignore_index', 'reduce_zero_label',
        'crop_pseudo_margins')
#: The keys of a pair of domains that keep their names.
PAIR = ('rare_class_sampling', 'sync_crop_size', 'seed', 'keep_statistics')


class Loading:
    """The data loaders of a config, and the preprocessing that all their images need."""

    def __init__(self, data: Mapping[str, Any], samples: int, seed: Optional[int]):
        """Convert ``data`` of a config.

        Args:
            samples: number of samples that the training sees, for the length of a pair of domains.
            seed: seed of the training, for a pair of domains.

        Raises:
            ConfigError: a part has no counterpart, or images are normalized in several ways.
        """
        self.preprocessing: Dict[str, Any] = {}
        self.samples, self.seed = samples, seed
        workers = int(data.get('workers_per_gpu') or 0)
        self.train = dict(
            batch_size=int(data.get('samples_per_gpu') or 2), num_workers=workers,
            persistent_workers=workers > 0, dataset=self._train(data['train'], 'data.train'),
            sampler=dict(type='InfiniteSampler', shuffle=data['train'].get('type') != 'UDADataset'))
        self.tests = {split: self._test(data[split], f'data.{split}', workers)
                      for split in ('val', 'test') if data.get(split)}

    def _train(self, config: Union[Mapping[str, Any], Sequence], place: str) -> Dict[str, Any]:
        if isinstance(config, (list, tuple)):
            return _joined([self._train(part, place) for part in config])
        name = config.get('type')
        if name == 'UDADataset':
            found = dict(type=name, **{part: self._train(config[part], f'{place}.{part}')
                                       for part in ('source', 'target')})
            found.update({key: config[key] for key in PAIR if key in config})
            if self.seed is not None:
                found.setdefault('seed', self.seed)
            return dict(found, length=config.get('length') or self.samples)
        if name == 'ConcatDataset':
            return _joined([self._train(part, place) for part in config['datasets']])
        if name == 'RepeatDataset':
            return dict(type=name, times=config['times'],
                        dataset=self._train(config['dataset'], place))
        pipeline = training_pipeline(config['pipeline'], f'{place}.pipeline')
        self._need(pipeline.preprocessing, place)
        return dataset(config, pipeline.steps, place)

    def _test(self, config: Mapping[str, Any], place: str, workers: int) -> Dict[str, Any]:
        if isinstance(config, (list, tuple)) or config.get('type') not in DATASETS:
            raise ConfigError(f'{place}: one data set of {", ".join(sorted(DATASETS))} has a '
                              'counterpart, this one has none')
        pipeline = test_pipeline(config['pipeline'], f'{place}.pipeline', labels=True)
        self._need({key: value for key, value in pipeline.preprocessing.items()
                    if key in ('mean', 'std', 'bgr_to_rgb')}, place)
        return dict(
            batch_size=1, num_workers=workers, persistent_workers=workers > 0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(dataset(config, pipeline.steps, place), test_mode=True))

    def _need(self, preprocessing: Mapping[str, Any], place: str) -> None:
        """Note what images need. All images of a config must need the same."""
        for key, value in preprocessing.items():
            if self.preprocessing.setdefault(key, value) != value:
                raise ConfigError(f'{place}: mmseg 1.x prepares all images in the same way, but '
                                  f'{key} is {self.preprocessing[key]} and {value}')

    @property
    def preprocessor(self) -> Dict[str, Any]:
        """The ``data_preprocessor`` of the model."""
        if 'mean' not in self.preprocessing:
            raise ConfigError('data: the pipelines have no Normalize, and mmseg 1.x needs its mean '
                              'and std')
        return dict(type='SegDataPreProcessor', **self.preprocessing)


def dataset(config: Mapping[str, Any], steps: List[Dict[str, Any]], place: str) -> Dict[str, Any]:
    """Convert a data set over files.

    Raises:
        ConfigError: its type or a key has no counterpart.
    """
    name = config.get('type')
    if name not in DATASETS:
        raise ConfigError(f'{place}: {name} has no counterpart in mmseg 1.x'
                          f'{nearest(str(name), DATASETS)}')
    found: Dict[str, Any] = dict(type=DATASETS[name])
    renamed = dict(img_dir='img_path', ann_dir='seg_map_path')
    prefix = {new: config[old] for old, new in renamed.items() if config.get(old) is not None}
    for key, value in config.items():
        if key in KEPT or name == 'FolderDataset' and key in ('classes', 'ignore'):
            found[key] = value
        elif key == 'classes':
            found['metainfo'] = dict(classes=value)
        elif key == 'split' and value is not None:
            found['ann_file'] = value
        elif key not in ('type', 'pipeline', 'split', 'test_mode', *renamed):
            raise ConfigError(f'{place}.{key} has no counterpart in mmseg 1.x')
    return dict(found, data_prefix=prefix, pipeline=steps)


def _joined(parts: List[Dict[str, Any]]) -> Dict[str, Any]:
    return dict(type='ConcatDataset', datasets=parts)


def metric(evaluation: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """Convert the metrics of ``evaluation``."""
    names = (evaluation or {}).get('metric', 'mIoU')
    return dict(type='IoUMetric', iou_metrics=[names] if isinstance(names, str) else list(names))
