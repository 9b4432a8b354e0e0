"""The config of a target data set: its labels are never read, its margins become a mask."""
import copy
from typing import List, Union

from mmseg.utils import get_root_logger

from ..errors import ConfigError
from .pipelines.pseudo_margins import MASK

LABEL = 'gt_semantic_seg'


def target_config(config: Union[dict, List[dict]]) -> Union[dict, List[dict]]:
    """Copy a data set's config and change it to train without labels.

    MIC's target pipelines load labels and discard them later. Here the steps and keys that need
    labels are removed. ``test_mode`` tells mmseg not to look for labels, so no label file has to
    exist. ``crop_pseudo_margins=[top, bottom, left, right]`` becomes two pipeline steps
    (see :mod:`.pipelines.pseudo_margins`). Lists and wrapper data sets (``dataset=...``) are
    changed inside.

    Raises:
        ConfigError: the pipeline has no place for the margins.
    """
    if isinstance(config, (list, tuple)):
        return [target_config(part) for part in config]
    config = copy.deepcopy(config)
    if 'dataset' in config:
        config['dataset'] = target_config(config['dataset'])
        return config
    margins = config.pop('crop_pseudo_margins', None)
    pipeline = _without_labels(config.get('pipeline', []))
    if margins is not None:
        pipeline = _with_margins(pipeline, margins)
    config.update(pipeline=pipeline, test_mode=True)
    return config


def _without_labels(pipeline: List[dict]) -> List[dict]:
    steps = [step for step in pipeline if _name(step) != 'LoadAnnotations']
    for step in steps:
        if 'keys' in step:
            step['keys'] = [key for key in step['keys'] if key != LABEL]
        if _name(step) == 'RandomCrop' and step.pop('cat_max_ratio', 1.0) < 1.0:
            get_root_logger().warning('data.train.target.pipeline: RandomCrop.cat_max_ratio is '
                                      'left out, it needs labels and a target has none')
    return steps


def _with_margins(pipeline: List[dict], margins: List[int]) -> List[dict]:
    loads = [i for i, step in enumerate(pipeline) if _name(step).startswith('LoadImage')]
    if not loads or _name(pipeline[-1]) != 'Collect':
        raise ConfigError('data.train.target.crop_pseudo_margins needs a pipeline that loads an '
                          'image (LoadImageFromFile) and ends with Collect, got '
                          f'{[_name(step) for step in pipeline]}')
    loaded = loads[0] + 1
    collect = dict(pipeline[-1], keys=[*pipeline[-1]['keys'], MASK])
    return [*pipeline[:loaded], dict(type='PseudoLabelMargins', margins=list(margins)),
            *pipeline[loaded:-1], dict(type='FormatValidPseudoMask'), collect]


def _name(step: dict) -> str:
    """Type of a pipeline step, for which mmcv also accepts a class."""
    return step['type'] if isinstance(step['type'], str) else step['type'].__name__
