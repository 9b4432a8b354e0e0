"""Results of a table of experiments: reading, aggregation, and Markdown.

All scores are in percent. A run counts if its ``result.json`` names the exact config of its row.
"""
import math
import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from mmcv import Config
from scipy.special import stdtrit

from ...errors import DataError
from .run import RESULT, finished_result, has_checkpoint

NONE = '-'
Scores = Mapping[str, float]


class Runs(NamedTuple):
    """The runs of one row.

    Attributes:
        name: name of the row.
        scores: seed -> the scores of a finished run by name, as ``mIoU`` and ``IoU.road``.
        missing: seed -> reason why there is no result.
        metric: name of the score that is compared.
        published: published score, or None.
        baseline: name of the row that this one is compared with, or None. Each of the two counts
            by its own metric.
        source: where the published score is stated.
        note: remark on the row.
        classes: class -> its published IoU, if known.
    """
    name: str
    scores: Mapping[int, Scores]
    missing: Mapping[int, str] = {}
    metric: str = 'mIoU'
    published: Optional[float] = None
    baseline: Optional[str] = None
    source: str = ''
    note: str = ''
    classes: Mapping[str, float] = {}

    def values(self, name: Optional[str] = None) -> Dict[int, float]:
        """Return seed -> one score (``metric`` by default), for finished runs that have it."""
        name = name or self.metric
        return {seed: scores[name] for seed, scores in self.scores.items()
                if math.isfinite(scores.get(name, math.nan))}

    def class_score(self, name: str) -> str:
        """Return the name of a class's score that belongs to ``metric``.

        A prefix of the metric is one of its classes too: ``1_mIoU`` is the mean of ``1_IoU.road``
        and so on, and ``mIoU16`` of ``IoU.road`` and so on.
        """
        return f'{self.metric.partition("mIoU")[0]}IoU.{name}'


class Grid(NamedTuple):
    """A table of texts: headings, and rows whose first cell is the heading of the row."""
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


class Summary(NamedTuple):
    """Statistics of one score over seeds. ``std`` and ``interval`` need two seeds.

    Attributes:
        count: number of seeds.
        mean: mean over the seeds.
        std: standard deviation of a sample (n - 1).
        interval: half width of the 95 % t interval of the mean.
    """
    count: int
    mean: float
    std: Optional[float] = None
    interval: Optional[float] = None


def read_run(work_dir: str, cfg: Config, metric: str) -> Tuple[Optional[Scores], str]:
    """Return the scores of a finished run, or None and the reason why there are none.

    Args:
        work_dir: work directory of the run.
        cfg: config that ``result.json`` has to name.
        metric: name of a score that it has to hold.

    Raises:
        DataError: the run is finished, but its scores lack ``metric``.
    """
    result = finished_result(work_dir, cfg)
    if result is None:
        return None, ('other config' if os.path.exists(os.path.join(work_dir, RESULT)) else
                      'unfinished' if has_checkpoint(work_dir) else 'not run')
    named_score(result, metric, work_dir)
    return result['scores'], ''


def named_score(result: Dict[str, Any], metric: str, work_dir: str) -> float:
    """Return a score of a finished run, in percent.

    Raises:
        DataError: the scores lack ``metric``.
    """
    if metric not in result['scores']:
        raise DataError(f'{os.path.join(work_dir, RESULT)} holds no score {metric}, which its row '
                        'is to be compared by: remove the file, and run the experiment again to '
                        'repeat the test')
    return result['scores'][metric]


def summary(values: Sequence[float]) -> Optional[Summary]:
    """Summarize one number per seed. Return None if there is no number."""
    count = len(values)
    if count < 2:
        return Summary(count, float(values[0])) if count else None
    std = float(np.std(values, ddof=1))
    quantile = float(stdtrit(count - 1, 0.975))  # of Student's distribution
    return Summary(count, float(np.mean(values)), std, quantile * std / math.sqrt(count))


def differences(runs: Runs, baseline: Runs) -> Dict[int, float]:
    """Return seed -> difference from the baseline, for seeds that both finished."""
    values, base = runs.values(), baseline.values()
    return {seed: values[seed] - base[seed] for seed in values if seed in base}


def published_difference(runs: Runs, baseline: Runs) -> Optional[float]:
    """Return the difference of the published scores, or None if one of them is not known."""
    if runs.published is None or baseline.published is None:
        return None
    return round(runs.published - baseline.published, 2)


def as_dict(table: Sequence[Runs], everything: Optional[Sequence[Runs]] = None
            ) -> List[Dict[str, Any]]:
    """Return everything that :func:`markdown` shows, for JSON."""
    gaps = {runs.name: _compared(everything or table, runs) for runs in table}
    gains = {runs.name: _published(everything or table, runs) for runs in table}
    return [dict(
        name=runs.name, metric=runs.metric, published=runs.published, source=runs.source,
        note=runs.note, classes=dict(runs.classes), baseline=runs.baseline,
        missing={str(seed): why for seed, why in runs.missing.items()},
        measured={name: dict(seeds={str(seed): value for seed, value in values.items()},
                             **summary(list(values.values()))._asdict())
                  for name, values in _all_values(runs).items()},
        differences={str(seed): value for seed, value in gaps[runs.name].items()},
        difference=_plain(summary(list(gaps[runs.name].values()))),
        published_difference=gains[runs.name])
        for runs in table]


def markdown(title: str, table: Sequence[Runs], everything: Optional[Sequence[Runs]] = None) -> str:
    """Return the table of an experiment with differences, classes and missing runs, as Markdown.

    Args:
        title: heading of the table.
        table: rows to show.
        everything: all rows of the experiment, if ``table`` is a part. Baselines are among them.
    """
    lines = missing(table)
    parts = [f'## {title}', _grid(overview(table)), _list(notes(table)),
             _grid(compared(table, everything or table)), _grid(classes(table)),
             f'Missing:\n\n{_list(lines)}' if lines else 'No run is missing.']
    return '\n\n'.join(part for part in parts if part) + '\n'


def overview(table: Sequence[Runs]) -> Grid:
    """Return the measured and the published score of each row."""
    rows = []
    for runs in table:
        values = runs.values()
        found = summary(list(values.values()))
        gap = NONE if found is None or runs.published is None else (
            f'{found.mean - runs.published:+.2f}')
        rows.append([runs.name, runs.metric, _as_published(runs.published),
                     _number(found and found.mean), _number(found and found.std), gap,
                     _seeds(values)])
    return Grid(['row', 'metric', 'published', 'measured', 'std', 'measured - published',
                 'seeds'], rows)


def notes(table: Sequence[Runs]) -> List[str]:
    """Return a line for each source and remark, with the rows that it is about."""
    remarks = [(runs.name, text) for runs in table
               for text in (runs.source and f'published in {runs.source}', runs.note) if text]
    return [f'{", ".join(name for name, other in remarks if other == text)}: {text}.'
            for text in dict.fromkeys(text for _, text in remarks)]


def compared(table: Sequence[Runs], everything: Sequence[Runs]) -> Grid:
    """Return the difference of each row from its baseline, by seed and as a mean."""
    rows = []
    for runs in table:
        found, gain = _compared(everything, runs), _published(everything, runs)
        if found or gain is not None:
            mean = summary(list(found.values()))
            each = ', '.join(f'{seed}: {value:+.2f}' for seed, value in sorted(found.items()))
            rows.append([f'{runs.name} - {runs.baseline}', _as_published(gain, '+'),
                         each or NONE, NONE if mean is None else f'{mean.mean:+.2f}',
                         NONE if mean is None or mean.interval is None else
                         f'{mean.mean - mean.interval:+.2f} to {mean.mean + mean.interval:+.2f}'])
    return Grid(['difference', 'published', 'by seed', 'mean', '95 % t interval'], rows)


def classes(table: Sequence[Runs]) -> Grid:
    """Return the IoU of each class in each row that has a finished run."""
    finished = [runs for runs in table if runs.scores]
    names = dict.fromkeys(name.partition('IoU.')[2] for runs in finished
                          for scores in runs.scores.values() for name in scores
                          if name.startswith(runs.class_score('')))
    rows = [[name] + [_class_score(runs, name) for runs in finished] for name in names]
    known = any(runs.classes for runs in finished)
    return Grid(['IoU (published)' if known else 'IoU'] + [runs.name for runs in finished], rows)


def _class_score(runs: Runs, name: str) -> str:
    """Return mean and deviation of a class's IoU as text, with the published IoU in brackets."""
    found = summary(list(runs.values(runs.class_score(name)).values()))
    if found is None:
        return NONE
    published = runs.classes.get(name)
    return f'{found.mean:.2f}' + ('' if found.std is None else f' ± {found.std:.2f}') + (
        '' if published is None else f' ({published:.1f})')


def missing(table: Sequence[Runs]) -> List[str]:
    """Return a line for each row and reason of runs that have no result."""
    lines = []
    for runs in table:
        for why in dict.fromkeys(runs.missing.values()):
            seeds = [seed for seed, reason in runs.missing.items() if reason == why]
            plural = 's' * (len(seeds) > 1)
            lines.append(f'{runs.name}: seed{plural} {_seeds(seeds)} ({why})')
    return lines


def _compared(everything: Sequence[Runs], runs: Runs) -> Dict[int, float]:
    baseline = _baseline(everything, runs)
    return {} if baseline is None else differences(runs, baseline)


def _published(everything: Sequence[Runs], runs: Runs) -> Optional[float]:
    baseline = _baseline(everything, runs)
    return None if baseline is None else published_difference(runs, baseline)


def _baseline(everything: Sequence[Runs], runs: Runs) -> Optional[Runs]:
    return next((other for other in everything if other.name == runs.baseline != runs.name), None)


def _all_values(runs: Runs) -> Dict[str, Dict[int, float]]:
    names = dict.fromkeys(name for scores in runs.scores.values() for name in scores)
    return {name: runs.values(name) for name in names if runs.values(name)}


def _plain(found: Optional[Summary]) -> Optional[Dict[str, Any]]:
    return None if found is None else found._asdict()


def _seeds(seeds: Sequence[int]) -> str:
    return ', '.join(str(seed) for seed in sorted(seeds)) or NONE


def _number(value: Optional[float]) -> str:
    return NONE if value is None else f'{value:.2f}'


def _as_published(value: Optional[float], sign: str = '') -> str:
    """Return a published number with all its decimals, at least one."""
    return NONE if value is None else max(f'{value:{sign}.1f}', f'{value:{sign}g}', key=len)


def _list(lines: Sequence[str]) -> str:
    return '\n'.join(f'- {line}' for line in lines)


def _grid(grid: Grid) -> str:
    if not grid.rows:
        return ''
    lines = [grid.headings, ['---'] * len(grid.headings), *grid.rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
