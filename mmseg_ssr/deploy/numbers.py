"""What has been measured of a checkpoint, found in the files of its training."""
import json
import os
from typing import Any, Dict, Mapping, NamedTuple, Optional

from ..engine.experiment import RESULT
from ..engine.history import read_history
from ..errors import DataError, MissingFile
from .model_file import ModelFile


class Numbers(NamedTuple):
    """Attributes:
        scores: percent, by the metric's names (``mIoU``, ``IoU.road``, ...).
        source: where they are from, in words.
    """
    scores: Dict[str, float]
    source: str


def read_numbers(path: str) -> Numbers:
    """The scores in a ``result.json`` of a training or an ``eval.json`` of ``tools/test.py``.

    Raises:
        MissingFile, DataError: there is no such file, or it holds no scores.
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except FileNotFoundError as error:
        raise MissingFile(f'scores {path} are missing') from error
    except (ValueError, OSError) as error:
        raise DataError(f'scores {path} cannot be read, expected a result.json or eval.json'
                        ) from error
    content = content if isinstance(content, dict) else {}
    scores = _scores(content.get('scores')) or _scores(content.get('metric'), 100)
    if not scores:
        raise DataError(f'{path} holds no scores, expected a result.json or eval.json')
    return Numbers(scores, f'{os.path.basename(path)}, data.test of the config')


def find_numbers(model: ModelFile) -> Optional[Numbers]:
    """What the training has written beside its checkpoint: the test, else the last evaluation.

    None if neither is of this checkpoint.
    """
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


def _of_checkpoint(result: str, name: str) -> bool:
    try:
        with open(result, encoding='utf-8') as file:
            return json.load(file).get('checkpoint') == name
    except (ValueError, AttributeError):
        return False


def _scores(values: Any, factor: float = 1) -> Dict[str, float]:
    """The entries that are scores, in percent; empty if there are none."""
    if not isinstance(values, Mapping):
        return {}
    return {name: round(factor * value, 2) for name, value in values.items()
            if isinstance(value, (int, float)) and name.split('.')[0] in (
                'aAcc', 'mIoU', 'mAcc', 'mIoU13', 'mIoU16', 'IoU', 'Acc')}
