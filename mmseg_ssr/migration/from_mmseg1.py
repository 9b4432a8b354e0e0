"""What a training with mmseg 1.x leaves, in the words of mmseg 0.x: enough to predict and report.

A network has the same weights under the same names in both. So its checkpoint needs a config that
mmseg 0.x builds it from, with the preparation of an image.
"""
from typing import Any, Dict, List, Mapping, Optional

from ..errors import ConfigError

Config = Dict[str, Any]


def is_of_mmseg1(cfg: Mapping[str, Any]) -> bool:
    """Whether a config is one of mmseg 1.x."""
    return any(key in cfg for key in ('train_dataloader', 'test_dataloader', 'optim_wrapper'))


def to_mmseg0(cfg: Mapping[str, Any]) -> Config:
    """Return ``model``, ``uda``, ``data.test`` and the length of a training with mmseg 1.x.

    Raises:
        ConfigError: the config does not say how an image is normalized.
    """
    model = dict(cfg['model'])
    preprocessor = model.pop('data_preprocessor', None)
    found: Config = {}
    if isinstance(model.get('model'), Mapping):
        student = dict(model.pop('model'))
        preprocessor = preprocessor or student.get('data_preprocessor')
        student.pop('data_preprocessor', None)
        found.update(uda=model, model=student)
    else:
        found['model'] = model
    if not (preprocessor or {}).get('mean'):
        raise ConfigError('model.data_preprocessor has no mean and std, so images cannot be '
                          'normalized as in the training')
    data = _data(cfg, dict(mean=preprocessor['mean'], std=preprocessor['std'],
                           to_rgb=bool(preprocessor.get('bgr_to_rgb'))))
    found.update(data=data, runner=dict(type='IterBasedRunner', max_iters=(
        cfg.get('train_cfg') or {}).get('max_iters') or 1))
    if (cfg.get('randomness') or {}).get('seed') is not None:
        found['seed'] = cfg['randomness']['seed']
    return found


def meta_of(meta: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the ``meta`` of a checkpoint with the names of mmseg 0.x."""
    found = dict(meta or {})
    trained = found.get('dataset_meta')
    if isinstance(trained, Mapping):
        found.setdefault('CLASSES', trained.get('classes'))
        found.setdefault('PALETTE', trained.get('palette'))
    if 'experiment_name' in found:
        found.setdefault('exp_name', found['experiment_name'])
    return found


def _data(cfg: Mapping[str, Any], norm: Config) -> Config:
    """The data set of the test, or of the validation, with its pipeline."""
    loader = next((cfg[key] for key in ('test_dataloader', 'val_dataloader') if cfg.get(key)), {})
    dataset = dict(loader.get('dataset') or {})
    steps = dataset.pop('pipeline', None) or cfg.get('test_pipeline') or []
    pipeline = _pipeline(steps, norm)
    prefix = dataset.pop('data_prefix', None) or {}
    metainfo = dataset.pop('metainfo', None) or {}
    test = dict(dataset, pipeline=pipeline)
    for old, new in (('img_path', 'img_dir'), ('seg_map_path', 'ann_dir')):
        if prefix.get(old) is not None:
            test[new] = prefix[old]
    if metainfo.get('classes') is not None:
        test['classes'] = metainfo['classes']
    if test.pop('ann_file', ''):
        test['split'] = dataset['ann_file']
    return dict(samples_per_gpu=1, workers_per_gpu=0, test=test, val=test)


def _pipeline(steps: List[Mapping[str, Any]], norm: Config) -> List[Config]:
    """A test pipeline of mmseg 0.x that loads, resizes and normalizes an image in the same way."""
    resize = next((step for step in steps if step.get('type') == 'Resize'), {})
    scale = resize.get('scale')
    return [
        dict(type='LoadImageFromFile'),
        dict(type='MultiScaleFlipAug', flip=False, img_scale=None if scale is None else
             tuple(scale), **({} if scale is not None else dict(img_ratios=[1.0])),
             transforms=[
                 dict(type='Resize', keep_ratio=bool(resize.get('keep_ratio', False))),
                 dict(type='RandomFlip'),
                 dict(type='Normalize', **norm),
                 dict(type='ImageToTensor', keys=['img']),
                 dict(type='Collect', keys=['img'])])]
