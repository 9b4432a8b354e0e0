"""Writing of the report page."""
import os
from typing import Optional, Sequence

import torch

from ..utils.atomic_file import write_atomic
from ..utils.paths import check_place
from . import bars, tables
from .curves import class_curves, loss_curves, other_curves
from .figures import Picture
from .page import Page, render
from .runs import Run, read_runs
from .sections import Images, examine

#: Name of the page in a work directory.
PAGE = 'report.html'
#: Default number of test images to predict.
IMAGES = 50
#: Largest number of runs that the title names.
NAMED = 4


def write_report(folders: Sequence[str], path: Optional[str] = None,
                 device: Optional[torch.device] = None, images: Optional[int] = IMAGES) -> str:
    """Write one page about the trainings of some work directories.

    If something is missing, the page leaves it out and says what and why.

    Args:
        folders: work directories. The others are compared with the first.
        path: path of the page. By default it is ``report.html`` in the first folder.
        device: device that predicts, by default the CPU.
        images: number of test images to predict, evenly spread. 0 leaves out everything that
            needs checkpoint and data. None predicts all.

    Returns:
        The path of the page.

    Raises:
        MissingFile: a folder holds no training, or the folder of the page is missing.
        UnwritableFile: the page cannot be written.
    """
    runs = read_runs(folders)
    path = path or os.path.join(folders[0], PAGE)
    check_place(path, '--out')
    text = _render(runs, device or torch.device('cpu'), images)
    write_atomic(path, text.encode())
    return path


def _render(runs: Sequence[Run], device: torch.device, images: Optional[int]) -> str:
    losses = loss_curves(runs)
    curves, unlogged = other_curves(runs)
    shown = Images(None, [], ['confusion matrix and images: not asked for'])
    if images != 0:
        shown = examine(runs, device, images)
    return render(Page(
        title=_title(runs), about='', scores=bars.scores(runs), tables=[tables.overview(runs)],
        notes=['The mIoU is in percent. It comes from the test after the training, or else from '
               'the last evaluation.'],
        groups=bars.class_groups(runs), compared_with=runs[0].name if len(runs) > 1 else '',
        classes=tables.classes(runs),
        gallery=shown.gallery, losses=losses, curves=curves,
        class_curves=[Picture(f'{run.name}: IoU in percent by iteration', found) for run in runs
                      if (found := class_curves(run))],
        sections=shown.sections,
        left_out=[*(f'curve of {title}: no log holds it'
                    for title in [*([] if losses else ['losses']), *unlogged]), *shown.left_out,
                  *(f'{run.name}, {line}' for run in runs for line in run.missing)]))


def _title(runs: Sequence[Run]) -> str:
    names = [run.name for run in runs]
    return ', '.join(names) if len(names) <= NAMED else f'{names[0]} and {len(names) - 1} others'
