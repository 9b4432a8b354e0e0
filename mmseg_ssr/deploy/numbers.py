"""Measured scores of a checkpoint, found in the files of its training."""
import json
import math
import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from mmcv import Config

from ..engine.experiments.run import RESULT
from ..engine.logging.history import read_history
from ..errors import CheckpointError, DataError, UserError
from ..utils.paths import read_text
from .model_file import ModelFile, config_in


class Numbers(NamedTuple):
    """Measured scores.

    Attributes:
        scores: percent, by the metric's names (``mIoU``, ``IoU.road``, ...).
        source: where the scores come from, in words.
    """
    scores: Dict[str, float]
    source: str


def read_numbers(path: str, weights: str = 'student') -> Numbers:
    """Read the scores in a training's ``result.json`` or an ``eval.json`` of ``mmseg-ssr test``.

    Args:
        weights: the network that the scores must belong to, ``'student'`` or ``'teacher'``.

    Raises:
        MissingFile, DataError: the file is missing, or holds no scores of that network.
    """
    try:
        content = json.loads(read_text(path, 'score file'))
    except UserError:
        raise
    except ValueError as error:
        raise DataError(f'scores {path} cannot be read, expected a result.json or eval.json'
                        ) from error
    content = content if isinstance(content, dict) else {}
    scores = _scores(content.get('scores')) or _scores(content.get('metric'), 100)
    if not scores:
        raise DataError(f'{path} holds no scores, expected a result.json or eval.json')
    tested = content.get('weights', 'student' if 'scores' in content else None)
    if tested not in (None, weights):
        raise DataError(f'{path} holds scores of the {tested}, not of the {weights}: test those '
                        'weights (mmseg-ssr test --weights)')
    notes = f', tested with {" ".join(content["options"])}' if content.get('options') else ''
    notes += '' if tested else ', of which weights is not noted in it'
    return Numbers(scores, f'{os.path.basename(path)}, data.test of the config{notes}')


def find_numbers(model: ModelFile, weights: str = 'student') -> Optional[Numbers]:
    """Find the scores beside a checkpoint: the test's, else the last evaluation's.

    Both belong to the student, which predicted as the config in the checkpoint says.

    Args:
        weights: ``'student'`` or ``'teacher'``.

    Returns:
        None if neither belongs to this checkpoint, these weights and this config.
    """
    exported = 'exported_with' in model.meta  # it does not say which network it holds
    if weights != 'student' or exported or not _predicts_as_trained(model):
        return None
    path = os.path.realpath(model.path)
    folder, name = os.path.split(path)
    result = os.path.join(folder, RESULT)
    if os.path.isfile(result) and _of_checkpoint(result, name):
        return read_numbers(result)
    iteration = model.meta.get('iter')
    for record in reversed(read_history(folder)):
        if record['mode'] == 'val' and record.get('iter') == iteration:
            scores = _scores(record, 100)
            return Numbers(scores, 'evaluation in the training, data.val of the config'
                           ) if scores else None
    return None


def _predicts_as_trained(model: ModelFile) -> bool:
    """Whether the config agrees with the checkpoint's in everything that scores depend on."""
    try:
        return _scored_parts(config_in(model.content, model.path)) == _scored_parts(model.cfg)
    except CheckpointError:  # the checkpoint has no config
        return False


def _scored_parts(cfg: Config) -> List[Any]:
    data = cfg.get('data') or {}
    return [cfg.get('model'), cfg.get('test_cfg'), data.get('val'), data.get('test')]


def _of_checkpoint(result: str, name: str) -> bool:
    try:
        return json.loads(read_text(result, 'result')).get('checkpoint') == name
    except (ValueError, AttributeError):
        return False


def _scores(values: Any, factor: float = 1) -> Dict[str, float]:
    """The entries that are scores, in percent; empty if there are none."""
    if not isinstance(values, Mapping):
        return {}
    return {name: math.nan if value is None else round(factor * value, 2)
            for name, value in values.items()
            if isinstance(value, (int, float, type(None)))
            and re.sub(r'^\d+_', '', name).split('.')[0] in (  # of one of several sets
                'aAcc', 'mIoU', 'mAcc', 'mIoU13', 'mIoU16', 'IoU', 'Acc', 'mDice', 'Dice',
                'mFscore', 'Fscore', 'mPrecision', 'Precision', 'mRecall', 'Recall')}
