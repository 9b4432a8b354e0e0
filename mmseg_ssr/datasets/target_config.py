"""The config of a target data set: its labels are never read, its margins become a mask."""
import copy
from typing import List, Union

from mmseg.utils import get_root_logger

from ..domains.target_pipeline import MASK, after_loading, without_labels
from ..errors import ConfigError

LABEL = 'gt_semantic_seg'
#: Key of the target in configs.
PLACE = 'data.train.target'


def target_config(config: Union[dict, List[dict]]) -> Union[dict, List[dict]]:
    """Copy a data set's config and change it to train without labels.

    MIC's target pipelines load labels and discard them later. Here the steps and keys that need
    labels are removed. ``test_mode`` tells mmseg not to look for labels, so no label file has to
    exist. ``crop_pseudo_margins=[top, bottom, left, right]`` becomes two pipeline steps
    (see :mod:`.pipelines.pseudo_margins`). Lists and wrapper data sets (``dataset=...``) are
    changed inside.

    Raises:
        ConfigError: the pipeline has no place for the margins, or only some of several targets have
            any.
    """
    if isinstance(config, (list, tuple)):
        if len({part.get('crop_pseudo_margins') is None for part in config}) > 1:
            raise ConfigError('data.train.target: all targets need crop_pseudo_margins or none, '
                              'because the images of a batch have the same keys: [0, 0, 0, 0] '
                              'stands for no margins')
        return [target_config(part) for part in config]
    config = copy.deepcopy(config)
    if 'dataset' in config:
        config['dataset'] = target_config(config['dataset'])
        return config
    margins = config.pop('crop_pseudo_margins', None)
    pipeline = without_labels(config.get('pipeline', []), LABEL, PLACE,
                              get_root_logger().warning)
    if margins is not None:
        pipeline = _with_margins(pipeline, margins)
    config.update(pipeline=pipeline, test_mode=True)
    return config


def _with_margins(pipeline: List[dict], margins: List[int]) -> List[dict]:
    steps = after_loading(pipeline, dict(type='PseudoLabelMargins', margins=list(margins)),
                          'Collect', f'{PLACE}.crop_pseudo_margins')
    collect = dict(steps[-1], keys=[*steps[-1]['keys'], MASK])
    return [*steps[:-1], dict(type='FormatValidPseudoMask'), collect]
