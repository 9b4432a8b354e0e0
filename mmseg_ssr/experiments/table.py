"""A table of experiments as data: configs, seeds and expected numbers."""
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Sequence, Tuple

NOT_CHECKED = 'quoted, not checked'


@dataclass(frozen=True)
class Row:
    """One line of a table: a config, trained once for every seed.

    Attributes:
        name: name that is unique in its table.
        published: ``metric`` in percent as the source states it, or None if none was found.
        seeds: seeds of the published code. SSR's code has one seed, its baselines' have three. If
            a difference must be told from chance, rows of SSR have three too.
        overrides: changes to the config, as in ``--cfg-options``.
        metric: score of ``result.json`` that is compared, as ``mIoU16`` for the 16 classes of
            SYNTHIA.
        source: where ``published`` is stated. It says so if nobody has seen the page yet.
        classes: published IoU in percent by class.
        note: difference in meaning between the published and the measured number.
        baseline: row to compare this one with, if it is not the table's baseline.
        run: name that the folders of its trainings begin with, by default ``name``. Rows of one
            ``run`` read different scores of the same trainings.
    """
    name: str
    config: str
    published: Optional[float] = None
    seeds: Tuple[int, ...] = (0, 1, 2)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    metric: str = 'mIoU'
    source: str = ''
    classes: Mapping[str, float] = field(default_factory=dict)
    note: str = ''
    baseline: Optional[str] = None
    run: Optional[str] = None


@dataclass(frozen=True)
class Experiment:
    """A table: methods on one benchmark.

    Attributes:
        id: argument of ``mmseg-ssr table``.
        source: paper and table.
        benchmark: source -> target data set.
        baseline: name of the row to compare the others with, seed by seed.
    """
    id: str
    title: str
    source: str
    rows: Tuple[Row, ...]
    benchmark: str = 'GTA -> Cityscapes'
    baseline: Optional[str] = None


def with_shared(overrides: Mapping[str, Any], rows: Iterable[Row]) -> Iterator[Row]:
    """Rows with shared ``overrides``, which their own override."""
    return (replace(row, overrides={**overrides, **row.overrides}) for row in rows)


def ious(names: Sequence[str], numbers: str) -> Dict[str, float]:
    """The IoU of each class from a line of a paper's table."""
    return dict(zip(names, map(float, numbers.split())))
