"""The page of a table of experiments: measured beside published scores, classes, and pictures."""
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import torch

from ..engine.experiments import results
from ..engine.experiments.results import Runs, Summary, summary
from ..errors import UserError, said
from ..utils.atomic_file import write_atomic
from . import bars
from .bars import Bar, Group, Score
from .figures import color
from .gallery import Gallery, compare
from .page import Page, render
from .runs import read_run
from .tables import number
from .write import IMAGES


def write_results(path: str, title: str, about: str, table: Sequence[Runs],
                  everything: Sequence[Runs], folders: Mapping[str, str],
                  device: torch.device, images: Optional[int] = IMAGES) -> None:
    """Write one page about a table of experiments.

    If something is missing, the page leaves it out and says what and why.

    Args:
        path: path of the page.
        title: title of the page.
        about: a line below the title.
        table: rows to show.
        everything: all rows of the experiment. Baselines are among them.
        folders: row and seed -> work directory of a run whose pictures are shown.
        device: device that predicts.
        images: number of test images to predict, evenly spread. 0 leaves out the pictures. None
            predicts all.

    Raises:
        UnwritableFile: the page cannot be written.
    """
    gallery, left_out = _gallery(folders, device, images)
    grids = [results.overview(table), results.compared(table, everything)]
    numbers = results.classes(table)
    write_atomic(path, render(Page(
        title=title, about=about, scores=[_score(runs, i) for i, runs in enumerate(table)],
        tables=[grid for grid in grids if grid.rows],
        notes=['All scores are in percent, as means over seeds. A tick marks the published score, '
               'a line the standard deviation.', *results.notes(table)],
        groups=_groups(table), compared_with="its row's baseline",
        classes=numbers if numbers.rows else None, gallery=gallery,
        left_out=[*(f'result of {line}' for line in results.missing(table)), *left_out],
    )).encode())


def _gallery(folders: Mapping[str, str], device: torch.device,
             images: Optional[int]) -> Tuple[Optional[Gallery], List[str]]:
    """Make the gallery of one run of each row, and return a line for each that is left out."""
    if images == 0:
        return None, ['pictures: not asked for']
    runs, left_out = [], []
    for name, folder in folders.items():
        try:
            runs.append(read_run(folder)._replace(name=name))
        except UserError as error:
            left_out.append(f'{name}, pictures: {said(error)}')
    gallery, more = compare(runs, device, images)
    return gallery, [*left_out, *more]


def _score(runs: Runs, position: int) -> Score:
    values = runs.values()
    found = summary(list(values.values())) or Summary(0, float('nan'))
    notes = []
    if found.count:
        spread = '' if found.std is None else f'± {found.std:.2f}, '
        notes.append(f'{spread}{found.count} seed{"s" * (found.count > 1)}')
    if runs.published is not None:
        notes.append(f'published {runs.published:.1f}')
    notes += [f'{len(runs.missing)} of {len(runs.missing) + len(values)} runs missing'
              ] if runs.missing else []
    bar = Bar(runs.name, found.mean, color(position), mark=runs.published, std=found.std)
    return Score(bar, number(found.mean), runs.metric, notes)


def _groups(table: Sequence[Runs]) -> List[Group]:
    """Return the bars of each class, as means over the seeds."""
    found: List[Dict[str, Summary]] = []
    for runs in table:
        names = dict.fromkeys(name for scores in runs.scores.values() for name in scores)
        prefix = runs.class_score('')
        measured = {name[len(prefix):]: summary(list(runs.values(name).values()))
                    for name in names if name.startswith(prefix)}
        found.append({name: one for name, one in measured.items() if one})
    names = [runs.name for runs in table]
    return bars.groups(
        names,
        [{name: one.mean for name, one in row.items()} for row in found],
        [names.index(runs.baseline) if runs.baseline in names and runs.baseline != runs.name
         else None for runs in table],
        [runs.classes for runs in table],
        [{name: one.std for name, one in row.items()} for row in found])
