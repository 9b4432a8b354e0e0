"""Curves of logged values over the iterations, with one line for each run."""
from typing import Callable, Dict, List, Sequence, Tuple

from . import figures
from .runs import Curve, Run

#: (title, label of the axis, name in the log, mode, factor)
QUANTITIES = (
    ('mIoU of the evaluations', 'percent', 'mIoU', 'val', 100.),
    ('learning rate', '', 'lr', 'train', 1.),
    ('speed', 'seconds per iteration', 'time', 'train', 1.),
    ('waiting for data', 'seconds per iteration', 'data_time', 'train', 1.),
    ('memory', 'MiB', 'memory', 'train', 1.),
)


def loss_curves(runs: Sequence[Run]) -> str:
    """Plot each loss term of the runs as an image address. It is empty without a log."""
    terms = list(dict.fromkeys(term for run in runs for term in run.terms))
    return _plots(runs, [(term, '', lambda run, term=term: run.curve(term)) for term in terms])


def other_curves(runs: Sequence[Run]) -> Tuple[str, List[str]]:
    """Plot mIoU, learning rate, speed and memory. Also return the titles without logged values."""
    plots, left_out = [], []
    for title, unit, key, mode, factor in QUANTITIES:
        def curve(run: Run, key: str = key, mode: str = mode, factor: float = factor) -> Curve:
            iterations, values = run.curve(key, mode)
            return iterations, [factor * value for value in values]

        if any(curve(run)[0] for run in runs):
            plots.append((title, unit, curve))
        else:
            left_out.append(title)
    return _plots(runs, plots), left_out


def class_curves(run: Run) -> str:
    """Plot the IoU of each class at each evaluation as colors.

    The address is empty with fewer than two evaluations.
    """
    evaluations = evaluated_classes(run)
    classes = list(evaluations[-1][1]) if evaluations else []
    if len(evaluations) < 2 or not classes:
        return ''
    values = [[scores.get(name, float('nan')) for _, scores in evaluations] for name in classes]
    return figures.svg(figures.matrix_figure(
        values, classes, [str(iteration) for iteration, _ in evaluations],
        f'{run.name}: IoU in percent by iteration', (0, 100)))


def evaluated_classes(run: Run) -> List[Tuple[int, Dict[str, float]]]:
    """Return (iteration, IoU in percent by class) of every evaluation during the training."""
    return [(record['iter'], {name[4:]: 100 * value for name, value in record.items()
                              if name.startswith('IoU.')})
            for record in run.history if record.get('mode') == 'val' and 'mIoU' in record]


def _plots(runs: Sequence[Run],
           plots: Sequence[Tuple[str, str, Callable[[Run], Curve]]]) -> str:
    if not plots:
        return ''
    figure, axes = figures.grid(len(plots))
    for ax, (title, unit, curve) in zip(axes, plots):
        for number, run in enumerate(runs):
            iterations, values = curve(run)
            if iterations:
                ax.plot(iterations, values, label=run.name, color=figures.color(number),
                        linewidth=1, marker='.' if len(values) < 30 else None)
        ax.set_title(title, fontsize=10)
        ax.set_ylabel(unit, fontsize=8)
        ax.tick_params(labelsize=8)
        ax.locator_params(nbins=5)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
    if len(runs) > 1:
        lines = {line.get_label(): line for ax in axes for line in ax.get_lines()}
        axes[0].legend(lines.values(), lines.keys(), fontsize=8)
    return figures.svg(figure)
