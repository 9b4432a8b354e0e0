"""Writing of the report page."""
import datetime
import os
from typing import List, Optional, Sequence

import jinja2
import torch

from .. import __version__
from ..errors import MissingFile
from ..utils.atomic_file import write_atomic
from . import tables
from .curves import class_curves, loss_curves, other_curves
from .runs import Run, read_runs
from .sections import Picture, examine

#: Name of the page in a work directory.
PAGE = 'report.html'
#: Default number of test images to predict.
IMAGES = 50


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
    if not os.path.isdir(os.path.dirname(path) or '.'):  # checked before the work
        raise MissingFile(f'--out {path}: there is no folder {os.path.dirname(path)}')
    text = _render(runs, device or torch.device('cpu'), images)
    write_atomic(path, text.encode())
    return path


def _render(runs: Sequence[Run], device: torch.device, images: Optional[int]) -> str:
    curves, left_out = _curves(runs)
    if images == 0:
        sections, side_by_side = [], []
        left_out.append('confusion matrix and images: not asked for')
    else:
        sections, side_by_side, more = examine(runs, device, images)
        left_out += more
    left_out += [f'{run.name}, {line}' for run in runs for line in run.missing]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('mmseg_ssr.report'), autoescape=True,
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.get_template('page.html.jinja').render(
        title=', '.join(run.name for run in runs), version=__version__,
        date=datetime.datetime.now().strftime('%Y-%m-%d %H:%M'),
        overview=tables.overview(runs), curves=curves, classes=tables.classes(runs),
        class_curves=[Picture(run.name, found) for run in runs if (found := class_curves(run))],
        sections=sections, side_by_side=side_by_side, left_out=left_out)


def _curves(runs: Sequence[Run]) -> 'tuple[List[Picture], List[str]]':
    losses = loss_curves(runs)
    others, unlogged = other_curves(runs)
    shown = [Picture(caption, address) for caption, address in (
        ('losses over the iterations, averaged over the logging interval', losses),
        ('scores, learning rate, speed, memory over the iterations', others)) if address]
    if not losses:
        unlogged.insert(0, 'losses')
    return shown, [f'curve of {title}: no log holds it' for title in unlogged]
