"""The log of a training in one piece, however often it was stopped and resumed."""
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Union

from ...utils.paths import read_text

#: Names of scores in the logs of mmengine.
SCORES = ('mIoU', 'aAcc', 'mAcc')


def read_history(work_dir: Union[str, Path]) -> List[Dict[str, Any]]:
    """Read the records of all ``<time>.log.json`` in a work directory, each iteration once.

    If a process was killed, the next one may log some iterations again. Then the last record
    counts. A line that a kill has cut off is skipped.

    Returns:
        Dicts as in the files, in their order. ``mode`` is ``'train'`` (losses, averaged over the
        logging interval) or ``'val'`` (scores). ``iter`` is the iteration, counted from 1.
    """
    history: List[Dict[str, Any]] = []
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        history += _of_mmengine(path)
    for path in sorted(Path(work_dir).glob('*.log.json')):
        for record in _records(path):
            if 'mode' in record:
                history.append(record)
            else:  # the head of a log tells the iteration at which its process began
                begun = record.get('iter', 0)
                history = [earlier for earlier in history if earlier['iter'] <= begun]
    return history


def _of_mmengine(path: Path) -> Iterator[Dict[str, Any]]:
    """Yield the records of a training with mmseg 1.x, whose scores are in percent."""
    for record in _records(path):
        iteration = record.get('iter', record.get('step'))
        if 'loss' in record:
            yield dict(record, mode='train', iter=iteration)
        elif 'mIoU' in record:
            scores = {name: record[name] / 100 for name in SCORES if name in record}
            yield dict(scores, mode='val', iter=iteration)


def _records(path: Path) -> Iterator[Dict[str, Any]]:
    for line in read_text(path, 'log').splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        yield record
