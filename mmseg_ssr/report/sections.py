"""Sections of the page that need each run's checkpoint and data."""
import math
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch.utils.data import Dataset

from ..engine.config.values import method_config
from ..errors import WRONG_VALUE, UserError, said
from . import figures, pictures, regularization
from .predictions import Checkpointed, image_scores
from .runs import Run
from .tables import Table, number

#: Number of best images of a run, of its worst images, and of images that are compared over runs.
SHOWN = 3
#: Number of images whose cross-attention is shown.
ATTENDED = 2
#: Errors that leave a section out: those of the user, and those that libraries raise for old files.
FAULTS = (UserError, *WRONG_VALUE)


class Picture(NamedTuple):
    """An image of the page: its caption, and its content as a data address."""
    caption: str
    address: str


class Section(NamedTuple):
    """The section of one run.

    Attributes:
        name: name of the run.
        images: number of predicted images.
        pictures: confusion matrix, best and worst images.
        regularization: attention and both branches, for SSR.
        differences: how far the branches differ, image by image, or None.
    """
    name: str
    images: int
    pictures: Sequence[Picture]
    regularization: Sequence[Picture] = ()
    differences: Optional[Table] = None


class Examined(NamedTuple):
    """A run's images and their scores in percent. The networks are left out to save memory."""
    run: Run
    dataset: Dataset
    scores: Sequence[float]


def examine(runs: Sequence[Run], device: torch.device, images: Optional[int]
            ) -> Tuple[List[Section], List[Picture], List[str]]:
    """Make the sections of all runs, the pictures side by side, and a line for each omission."""
    sections: List[Section] = []
    examined: List[Examined] = []
    left_out: List[str] = []
    for run in runs:
        try:
            section, found = _section(run, device, images, left_out)
        except FAULTS as error:
            left_out.append(f'{run.name}, confusion matrix and images: {said(error)}')
        else:
            sections.append(section)
            examined.append(found)
    side_by_side: List[Picture] = []
    try:
        side_by_side = _side_by_side(examined, device, images, left_out)
    except FAULTS as error:
        left_out.append(f'images side by side: {said(error)}')
    return sections, side_by_side, left_out


def _section(run: Run, device: torch.device, images: Optional[int],
             left_out: List[str]) -> Tuple[Section, Examined]:
    trained = Checkpointed(run, device, images)
    matrices = trained.matrices()
    examined = Examined(run, trained.dataset, image_scores(matrices))
    best, worst = best_and_worst(examined.scores)
    threshold = method_config(run.config).get('pseudo_threshold')
    shown = [_confusion(np.sum([matrix.numpy() for matrix in matrices], axis=0),
                        trained.dataset.CLASSES)]
    for title, chosen in (('best', best), ('worst', worst)):
        panels = pictures.prediction_panels(
            list(trained.predictions(chosen)), trained.dataset.CLASSES, trained.dataset.PALETTE,
            threshold)
        shown.append(Picture(f'{title} images: {_names(examined, chosen)}', figures.jpeg(panels)))
    section = Section(run.name, len(trained.dataset), shown)
    if regularization.has_regularizer(trained.content):
        try:
            section = _with_regularization(section, trained, worst[:ATTENDED])
        except FAULTS as error:
            left_out.append(f'{run.name}, regularizer: {said(error)}')
    return section, examined


def best_and_worst(scores: Sequence[float], count: int = SHOWN) -> Tuple[List[int], List[int]]:
    """Return the indices of the best and of the worst images, the extreme first.

    The two lists only share an image if there is just one.

    Raises:
        UserError: no image has a score.
    """
    order = sorted((i for i, score in enumerate(scores) if not math.isnan(score)),
                   key=lambda i: (-scores[i], i))
    if not order:
        raise UserError('no label of the test images holds a class')
    count = min(count, max(1, len(order) // 2))
    worst = order[::-1][:count]
    return [i for i in order[:count] if i not in worst] or order[:1], worst


def _confusion(matrix: np.ndarray, classes: Sequence[str]) -> Picture:
    """Draw the rows of the classes that occur in labels, in percent of their pixels."""
    there = matrix.sum(axis=1) > 0
    share = 100 * matrix[there] / matrix[there].sum(axis=1, keepdims=True)
    figure = figures.matrix_figure(
        share, [name for name, is_there in zip(classes, there) if is_there], list(classes),
        'percent of the pixels of a class (row) with each prediction (column)', (0, 100))
    return Picture('confusion matrix', figures.svg(figure))


def _with_regularization(section: Section, trained: Checkpointed,
                         indices: Sequence[int]) -> Section:
    branches = regularization.both_branches(trained, indices)
    classes, palette = trained.dataset.CLASSES, trained.dataset.PALETTE
    shown = [Picture(_attention_caption(one, classes),
                     figures.jpeg(regularization.attention_panels(one))) for one in branches]
    shown.append(Picture('shadow branch (kept after the training) and regularization branch',
                         figures.jpeg(regularization.branch_panels(branches, classes, palette))))
    table = Table(
        ['image', 'differing pixels (%)', 'shadow right (%)', 'regularized right (%)',
         'total variation of the probabilities'],
        [[one.name, *(number(share) for share in regularization.shares(one)),
          number(one.distance, 4)] for one in branches])
    return section._replace(regularization=shown, differences=table)


def _attention_caption(branches: regularization.Branches, classes: Sequence[str]) -> str:
    pixels = ', '.join(classes[c] if c < len(classes) else 'middle of the image'
                       for c, _, _ in branches.points)
    cells = ', '.join(f'stage {stage}: {regularization.looked_at(maps):.0f}'
                      for stage, maps in branches.attention.items())
    some = next(iter(branches.attention.values()))[0].size
    return (f'{branches.name}: cross-attention (mean over heads) of pixels of {pixels}. Cells that '
            f'a pixel looks at, of {some}: {cells}')


def _side_by_side(examined: Sequence[Examined], device: torch.device, images: Optional[int],
                  left_out: List[str]) -> List[Picture]:
    """Show the images that the runs differ on most. Only one run's networks are in memory."""
    if len(examined) < 2:
        return []
    files = [_files(one) for one in examined]
    first = examined[0].dataset
    if any(names != files[0] for names in files) or any(
            one.dataset.CLASSES != first.CLASSES for one in examined):
        left_out.append('images side by side: the runs are tested on different images')
        return []
    scores = np.array([one.scores for one in examined])
    gaps = np.nan_to_num(scores.max(axis=0) - scores.min(axis=0), nan=-1)
    chosen = np.argsort(-gaps, kind='stable')[:SHOWN].tolist()
    by_run = {one.run.name: list(Checkpointed(one.run, device, images).predictions(chosen))
              for one in examined}
    caption = 'the images that the runs differ on most: ' + '; '.join(
        f'{one.run.name} {_names(one, chosen)}' for one in examined)
    return [Picture(caption, figures.jpeg(
        pictures.comparison_panels(by_run, first.CLASSES, first.PALETTE)))]


def _files(examined: Examined) -> List[Any]:
    return [info['filename'] for info in examined.dataset.img_infos]


def _names(examined: Examined, indices: Sequence[int]) -> str:
    files = _files(examined)
    return ', '.join(f'{files[i]} ({examined.scores[i]:.1f})' for i in indices)
