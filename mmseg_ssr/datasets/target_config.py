"""The config of a target data set: its labels are never read, its margins become a mask."""
import copy
from typing import List, Union

from mmseg.utils import get_root_logger

from ..domains.target_pipeline import MASK, after_loading, without_labels

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
        ConfigError: the pipeline has no place for the margins.
    """
    if isinstance(config, (list, tuple)):
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
                          'Collect', PLACE)
    collect = dict(steps[-1], keys=[*steps[-1]['keys'], MASK])
    return [*steps[:-1], dict(type='FormatValidPseudoMask'), collect]
