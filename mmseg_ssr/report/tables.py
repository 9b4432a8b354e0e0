"""The tables of the report as rows of text."""
import itertools
from typing import Dict, List, Optional, Sequence

from ..engine.experiments.results import NONE, Grid
from .curves import evaluated_classes
from .runs import Run


def overview(runs: Sequence[Run]) -> Grid:
    """Make a table with a row for each run."""
    return Grid(
        ['run', 'method', 'seed', 'iterations', 'mIoU', 'best mIoU in training', 'training',
         'peak memory', 'folder'],
        [[run.name, run.method, str(run.result.get('seed', NONE)), _iterations(run),
          number(run.miou), _best(run), _unit(run.result.get('train_seconds'), ' s'),
          _unit(run.result.get('peak_memory_mb'), ' MB'), run.folder] for run in runs])


def classes(runs: Sequence[Run]) -> Optional[Grid]:
    """Make a table of each class's IoU, its change during the training, and its gap to run 1.

    The change counts from the first evaluation. Without class scores, the table is None.
    """
    finals = [run.class_ious for run in runs]
    names = list(dict.fromkeys(name for final in finals for name in final))
    if not names:
        return None
    sets = list(dict.fromkeys(key for run in runs for key in run.set_mious))
    headings = ['class']
    columns: List[List[str]] = []
    for position, (run, final) in enumerate(zip(runs, finals)):
        evaluations = evaluated_classes(run)
        headings.append(f'{run.name}: IoU')
        columns.append([number(final.get(name)) for name in names] + [number(run.miou)]
                       + [number(run.set_mious.get(key)) for key in sets])
        if len(evaluations) > 1:
            headings.append(f'since iteration {evaluations[0][0]}')
            columns.append(_changes(names, final, evaluations[0][1]))
        if position:
            headings.append(f'against {runs[0].name}')
            columns.append(_changes(names, final, finals[0]))
    firsts = [*names, 'mean', *(f'mean of set {key}' for key in sets)]
    return Grid(headings, [[name, *cells] for name, *cells in itertools.zip_longest(
        firsts, *columns, fillvalue=NONE)])  # changes are given for the classes alone


def number(value: Optional[float], digits: int = 2) -> str:
    """Format a number. None and NaN become a dash."""
    return NONE if value is None or value != value else f'{value:.{digits}f}'


def _changes(names: Sequence[str], now: Dict[str, float], before: Dict[str, float]) -> List[str]:
    """Return the difference for each class, then the mean."""
    found = [now[name] - before[name] if name in now and name in before else None
             for name in names]
    known = [value for value in found if value is not None and value == value]
    mean = sum(known) / len(known) if known else None
    return [NONE if value is None or value != value else f'{round(value, 2) + 0.:+.2f}'
            for value in [*found, mean]]


def _iterations(run: Run) -> str:
    return str(max((record['iter'] for record in run.history), default=NONE))


def _best(run: Run) -> str:
    iterations, values = run.curve('mIoU', 'val')
    if not values:
        return NONE
    best = max(range(len(values)), key=values.__getitem__)
    return f'{100 * values[best]:.2f} at {iterations[best]}'


def _unit(value: Optional[float], unit: str) -> str:
    return NONE if value is None else f'{value:.0f}{unit}'
