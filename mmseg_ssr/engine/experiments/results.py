"""Results of a table of experiments: read from the runs' folders, aggregated, as Markdown.

All scores are percent. A run counts when its ``result.json`` is of the very config of its row.
"""
import math
import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from mmcv import Config

from ...errors import DataError
from .run import RESULT, finished_result, has_checkpoint

NONE = '-'
Scores = Mapping[str, float]


class Runs(NamedTuple):
    """The runs of one row.

    Attributes:
        name, metric, published, note: of the row.
        baseline: name of the row that this one is compared with, or None.
        scores: seed -> the scores of a finished run by name, as ``mIoU`` and ``IoU.road``.
        missing: seed -> why there is no result.
        classes: class -> its published IoU, where one is known.
    """
    name: str
    scores: Mapping[int, Scores]
    missing: Mapping[int, str] = {}
    metric: str = 'mIoU'
    published: Optional[float] = None
    baseline: Optional[str] = None
    note: str = ''
    classes: Mapping[str, float] = {}

    def values(self, name: Optional[str] = None) -> Dict[int, float]:
        """One score, that of ``metric`` by default, of each finished seed that has it."""
        name = name or self.metric
        return {seed: scores[name] for seed, scores in self.scores.items()
                if math.isfinite(scores.get(name, math.nan))}


class Summary(NamedTuple):
    """Mean over ``count`` seeds; ``std`` (of a sample, n - 1) and the half width of the 95 %
    t interval of the mean need two."""
    count: int
    mean: float
    std: Optional[float] = None
    interval: Optional[float] = None


def read_run(work_dir: str, cfg: Config, metric: str) -> Tuple[Optional[Scores], str]:
    """The scores of a finished run, or None and why there are none.

    Args:
        cfg: config of the run as ``result.json`` has to name it.

    Raises:
        DataError: the run is finished but was not scored by ``metric``.
    """
    result = finished_result(work_dir, cfg)
    path = os.path.join(work_dir, RESULT)
    if result is None:
        return None, ('other config' if os.path.exists(path) else
                      'unfinished' if has_checkpoint(work_dir) else 'not run')
    scores = result.get('scores', {})
    if metric not in scores:
        raise DataError(f'{path} holds no score {metric}, which its row is to be compared by: '
                        'remove the file, and run the experiment again to repeat the test')
    return scores, ''


def summary(values: Sequence[float]) -> Optional[Summary]:
    """Mean, deviation and interval of one number per seed; None of no number."""
    count = len(values)
    if count < 2:
        return Summary(count, float(values[0])) if count else None
    std = float(np.std(values, ddof=1))
    return Summary(count, float(np.mean(values)), std,
                   t_quantile(count - 1) * std / math.sqrt(count))


def t_quantile(degrees: int, share: float = 0.95) -> float:
    """The t that a share of Student's distribution lies within, between -t and t.

    With t = sqrt(n) tan(angle) the density is cos(angle) ** (n - 1), up to a factor.

    Args:
        degrees: of freedom n, 1 or more.
    """
    angle = np.linspace(0, math.pi / 2, 100001)
    density = np.cos(angle)**(degrees - 1)
    mass = np.concatenate([[0], np.cumsum(density[1:] + density[:-1])])
    return float(math.sqrt(degrees) * np.tan(np.interp(share * mass[-1], mass, angle)))


def differences(runs: Runs, baseline: Runs) -> Dict[int, float]:
    """``metric`` of a row less that of its baseline, for each seed that both have finished."""
    values, base = runs.values(), baseline.values(runs.metric)
    return {seed: values[seed] - base[seed] for seed in values if seed in base}


def as_dict(table: Sequence[Runs], everything: Optional[Sequence[Runs]] = None
            ) -> List[Dict[str, Any]]:
    """Everything that :func:`markdown` shows, for JSON."""
    compared = {runs.name: _compared(everything or table, runs) for runs in table}
    return [dict(
        name=runs.name, metric=runs.metric, published=runs.published, note=runs.note,
        classes=dict(runs.classes), baseline=runs.baseline,
        missing={str(seed): why for seed, why in runs.missing.items()},
        measured={name: dict(seeds={str(seed): value for seed, value in values.items()},
                             **summary(list(values.values()))._asdict())
                  for name, values in _all_values(runs).items()},
        differences={str(seed): value for seed, value in compared[runs.name].items()},
        difference=_plain(summary(list(compared[runs.name].values()))))
        for runs in table]


def markdown(title: str, table: Sequence[Runs], everything: Optional[Sequence[Runs]] = None) -> str:
    """The table of an experiment with its differences, its classes and what is missing.

    Args:
        everything: all rows of the experiment, those that ``table`` is compared with among them,
            when it is a part.
    """
    parts = [f'## {title}', _overview(table), _notes(table),
             _differences(table, everything or table), _classes(table), _missing(table)]
    return '\n\n'.join(part for part in parts if part) + '\n'


def _overview(table: Sequence[Runs]) -> str:
    rows = []
    for runs in table:
        values = runs.values()
        found = summary(list(values.values()))
        gap = NONE if found is None or runs.published is None else (
            f'{found.mean - runs.published:+.2f}')
        rows.append([runs.name, runs.metric, _number(runs.published, 1),
                     _number(found and found.mean), _number(found and found.std), gap,
                     _seeds(values)])
    return _grid(['row', 'metric', 'published', 'measured', 'std', 'measured - published',
                  'seeds'], rows)


def _notes(table: Sequence[Runs]) -> str:
    notes = dict.fromkeys(runs.note for runs in table if runs.note)
    return '\n'.join(
        f'- {", ".join(runs.name for runs in table if runs.note == note)}: {note}.'
        for note in notes)


def _differences(table: Sequence[Runs], everything: Sequence[Runs]) -> str:
    rows = []
    for runs in table:
        found = _compared(everything, runs)
        if found:
            mean = summary(list(found.values()))
            each = ', '.join(f'{seed}: {value:+.2f}' for seed, value in sorted(found.items()))
            rows.append([f'{runs.name} - {runs.baseline}', each, f'{mean.mean:+.2f}',
                         NONE if mean.interval is None else
                         f'{mean.mean - mean.interval:+.2f} to {mean.mean + mean.interval:+.2f}'])
    return rows and _grid(['difference', 'by seed', 'mean', '95 % t interval'], rows)


def _classes(table: Sequence[Runs]) -> str:
    finished = [runs for runs in table if runs.scores]
    names = dict.fromkeys(name for runs in finished for scores in runs.scores.values()
                          for name in scores if name.startswith('IoU.'))
    rows = [[name[len('IoU.'):]] + [_class_score(runs, name) for runs in finished]
            for name in names]
    if not rows:
        return ''
    known = any(runs.classes for runs in finished)
    return _grid(['IoU (published)' if known else 'IoU'] + [runs.name for runs in finished], rows)


def _class_score(runs: Runs, name: str) -> str:
    """Mean and deviation of a class's IoU, the published one in brackets."""
    found = summary(list(runs.values(name).values()))
    if found is None:
        return NONE
    published = runs.classes.get(name[len('IoU.'):])
    return f'{found.mean:.2f}' + ('' if found.std is None else f' ± {found.std:.2f}') + (
        '' if published is None else f' ({published:.1f})')


def _missing(table: Sequence[Runs]) -> str:
    lines = []
    for runs in table:
        for why in dict.fromkeys(runs.missing.values()):
            seeds = [seed for seed, reason in runs.missing.items() if reason == why]
            plural = 's' * (len(seeds) > 1)
            lines.append(f'- {runs.name}: seed{plural} {_seeds(seeds)} ({why})')
    return 'Missing:\n\n' + '\n'.join(lines) if lines else 'No run is missing.'


def _compared(everything: Sequence[Runs], runs: Runs) -> Dict[int, float]:
    baselines = [other for other in everything if other.name == runs.baseline != runs.name]
    return differences(runs, baselines[0]) if baselines else {}


def _all_values(runs: Runs) -> Dict[str, Dict[int, float]]:
    names = dict.fromkeys(name for scores in runs.scores.values() for name in scores)
    return {name: runs.values(name) for name in names if runs.values(name)}


def _plain(found: Optional[Summary]) -> Optional[Dict[str, Any]]:
    return None if found is None else found._asdict()


def _seeds(seeds: Sequence[int]) -> str:
    return ', '.join(str(seed) for seed in sorted(seeds)) or NONE


def _number(value: Optional[float], digits: int = 2) -> str:
    return NONE if value is None else f'{value:.{digits}f}'


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
