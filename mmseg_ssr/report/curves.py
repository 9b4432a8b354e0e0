"""Curves of logged values over the iterations, with one line for each run."""
import math
from typing import Callable, Dict, List, Sequence, Tuple

from . import figures
from .figures import Picture
from .runs import Curve, Run

#: (title, name in the log, mode, factor)
QUANTITIES = (
    ('mIoU of the evaluations, percent', 'mIoU', 'val', 100.),
    ('learning rate', 'lr', 'train', 1.),
    ('speed, seconds per iteration', 'time', 'train', 1.),
    ('waiting for data, seconds per iteration', 'data_time', 'train', 1.),
    ('memory, MiB', 'memory', 'train', 1.),
)


def loss_curves(runs: Sequence[Run]) -> List[Picture]:
    """Plot each loss term of the runs. Without a log there is none."""
    terms = dict.fromkeys(term for run in runs for term in run.terms)
    return [_plot(runs, term, lambda run, term=term: run.curve(term)) for term in terms]


def other_curves(runs: Sequence[Run]) -> Tuple[List[Picture], List[str]]:
    """Plot mIoU, learning rate, speed and memory. Also return the titles without logged values."""
    plots, left_out = [], []
    for title, key, mode, factor in QUANTITIES:
        def curve(run: Run, key: str = key, mode: str = mode, factor: float = factor) -> Curve:
            iterations, values = run.curve(key, mode)
            return iterations, [factor * value for value in values]

        if any(curve(run)[0] for run in runs):
            plots.append(_plot(runs, title, curve))
        else:
            left_out.append(title.split(',')[0])
    return plots, left_out


def class_curves(run: Run) -> str:
    """Plot the IoU of each class at each evaluation as colors.

    Classes without any IoU are left out. The address is empty with fewer than two evaluations.
    """
    evaluations = evaluated_classes(run)
    if len(evaluations) < 2:
        return ''
    rows = {name: [scores.get(name, math.nan) for _, scores in evaluations]
            for name in evaluations[-1][1]}
    rows = {name: values for name, values in rows.items() if not all(map(math.isnan, values))}
    if not rows:
        return ''
    classes, values = list(rows), list(rows.values())
    return figures.svg(figures.matrix_figure(
        values, classes, [str(iteration) for iteration, _ in evaluations], (0, 100)))


def evaluated_classes(run: Run) -> List[Tuple[int, Dict[str, float]]]:
    """Return (iteration, IoU in percent by class) of every evaluation during the training."""
    return [(record['iter'], {name[4:]: 100 * value for name, value in record.items()
                              if name.startswith('IoU.')})
            for record in run.history if record.get('mode') == 'val' and 'mIoU' in record]


def _plot(runs: Sequence[Run], title: str, curve: Callable[[Run], Curve]) -> Picture:
    figure, axes = figures.curve_axes()
    for number, run in enumerate(runs):
        iterations, values = curve(run)
        if iterations:
            axes.plot(iterations, values, color=figures.color(number), linewidth=1.2,
                      marker='.' if len(values) < 30 else None)
    axes.tick_params(labelsize=8)
    axes.locator_params(nbins=5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    return Picture(title, figures.svg(figure))
