"""Scores as bars, which the page draws by its style sheet."""
from typing import List, Mapping, NamedTuple, Optional, Sequence

from .figures import color
from .runs import Run
from .tables import NONE, number


class Bar(NamedTuple):
    """One score in percent.

    Attributes:
        name: name of the run.
        value: the score. None and NaN are drawn as no bar.
        color: color of the run.
        change: difference to the run that it is compared with, as text.
        mark: published score, or None.
        std: standard deviation over seeds, or None.
    """
    name: str
    value: Optional[float]
    color: str
    change: str = ''
    mark: Optional[float] = None
    std: Optional[float] = None

    @property
    def text(self) -> str:
        """The score with one digit after the point."""
        return number(self.value, 1)

    @property
    def width(self) -> float:
        """Length of the bar in percent of the scale, in [0, 100]."""
        return 0. if self.text == NONE else min(max(self.value, 0.), 100.)

    @property
    def told(self) -> str:
        """All of it in words."""
        words = [f'{self.name}: {number(self.value)}']
        words += [] if self.std is None else [f'± {self.std:.2f}']
        words += [] if self.mark is None else [f'published: {self.mark:.1f}']
        return ', '.join(words)


class Group(NamedTuple):
    """The bars of one class."""
    name: str
    bars: Sequence[Bar]


class Score(NamedTuple):
    """The score that the page opens with.

    Attributes:
        bar: name, score and color of the run.
        text: the score as text.
        unit: name of the score, as ``mIoU``.
        notes: lines that stand below it.
    """
    bar: Bar
    text: str
    unit: str
    notes: Sequence[str]


def scores(runs: Sequence[Run]) -> List[Score]:
    """Return the mIoU of each run, with its difference to the first run."""
    found = []
    for position, run in enumerate(runs):
        change = _change(run.miou, runs[0].miou, 2) if position else ''
        notes = [run.method, *([f'{change} against {runs[0].name}'] if change else [])]
        found.append(Score(Bar(run.name, run.miou, color(position)), number(run.miou), 'mIoU',
                           notes))
    return found


def class_groups(runs: Sequence[Run]) -> List[Group]:
    """Return the IoU of each class in each run. It is empty without class scores."""
    return groups([run.name for run in runs], [run.class_ious for run in runs],
                  [0 if position else None for position in range(len(runs))])


def groups(names: Sequence[str], ious: Sequence[Mapping[str, float]],
           bases: Sequence[Optional[int]], published: Sequence[Mapping[str, float]] = (),
           stds: Sequence[Mapping[str, Optional[float]]] = ()) -> List[Group]:
    """Return a group of bars for each class.

    Args:
        names: names of the runs.
        ious: IoU in percent by class, for each run.
        bases: number of the run that each one is compared with, or None.
        published: published IoU by class, for each run, if known.
        stds: standard deviation by class, for each run, if known.
    """
    classes = dict.fromkeys(name for one in ious for name in one)
    return [Group(one, [
        Bar(name, ious[i].get(one), color(i),
            '' if base is None else _change(ious[i].get(one), ious[base].get(one)),
            published[i].get(one) if published else None, stds[i].get(one) if stds else None)
        for i, (name, base) in enumerate(zip(names, bases))]) for one in classes]


def _change(value: Optional[float], base: Optional[float], digits: int = 1) -> str:
    """Return the difference as text. It is empty without two numbers, and without a difference."""
    if NONE in (number(value), number(base)):
        return ''
    change = round(value - base, digits)
    return f'{change:+.{digits}f}' if change else ''
