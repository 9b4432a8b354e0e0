"""Sections of the page that need each run's checkpoint and data."""
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch

from ..engine.config.values import method_config
from ..engine.experiments.results import Grid
from ..errors import said
from . import figures, regularization
from .figures import Picture
from .gallery import Examined, Gallery, best_and_worst, frames, side_by_side
from .pictures import Strip, legend, prediction_strip
from .predictions import FAULTS, Checkpointed, image_scores
from .runs import Run
from .tables import number

#: Number of images whose cross-attention is shown.
ATTENDED = 2
#: Largest number of classes of a confusion matrix.
CONFUSED = 40


class Section(NamedTuple):
    """The section of one run.

    Attributes:
        name: name of the run.
        images: number of predicted images.
        confusion: the confusion matrix.
        strips: best, median and worst image, then more of the best and of the worst.
        legend: name and color of each class.
        regularization: attention and both branches, for SSR.
        differences: how far the branches differ, image by image, or None.
    """
    name: str
    images: int
    confusion: Picture
    strips: Sequence[Strip]
    legend: Sequence[Tuple[str, str]]
    regularization: Sequence[Strip] = ()
    differences: Optional[Grid] = None


class Images(NamedTuple):
    """All that is shown of test images.

    Attributes:
        gallery: the pictures that the page opens with, or None.
        sections: one for each run.
        left_out: a line for each omission.
    """
    gallery: Optional[Gallery]
    sections: Sequence[Section]
    left_out: Sequence[str]


def examine(runs: Sequence[Run], device: torch.device, images: Optional[int]) -> Images:
    """Predict the test images of all runs. Only one run's networks are in memory at a time."""
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
    gallery = None
    if len(examined) > 1:
        gallery = side_by_side(examined, device, images, left_out)
    if gallery is None and examined:
        gallery, sections[-1] = _own_gallery(sections[-1], examined[-1])
    return Images(gallery, sections, left_out)


def _own_gallery(section: Section, examined: Examined) -> Tuple[Gallery, Section]:
    """Move the best, median and worst image of a run from its section to a gallery."""
    count = len(frames(examined.scores))
    gallery = Gallery(examined.run.name, section.images, section.strips[:count], section.legend)
    return gallery, section._replace(strips=section.strips[count:])


def _section(run: Run, device: torch.device, images: Optional[int],
             left_out: List[str]) -> Tuple[Section, Examined]:
    trained = Checkpointed(run, device, images)
    matrices = trained.matrices()
    examined = Examined(run, trained.dataset, image_scores(matrices))
    classes, palette = trained.dataset.CLASSES, trained.dataset.PALETTE
    best, worst = best_and_worst(examined.scores)
    titles = {index: name for name, index in frames(examined.scores)}
    titles.update({i: 'one of the best' for i in best if i not in titles})
    titles.update({i: 'one of the worst' for i in worst if i not in titles})
    threshold = method_config(run.config).get('pseudo_threshold')
    strips = [prediction_strip(f'{titles[i]}: {examined.files[i]}, mIoU {examined.scores[i]:.1f}',
                               found, palette, threshold)
              for i, found in zip(titles, trained.predictions(list(titles)))]
    section = Section(
        run.name, len(trained.dataset),
        _confusion(np.sum([matrix.numpy() for matrix in matrices], axis=0), classes), strips,
        legend(classes, palette))
    if regularization.has_regularizer(trained.content):
        try:
            section = _with_regularization(section, trained, worst[:ATTENDED])
        except FAULTS as error:
            left_out.append(f'{run.name}, regularizer: {said(error)}')
    return section, examined


def _confusion(matrix: np.ndarray, classes: Sequence[str]) -> Picture:
    """Draw the rows of the classes that occur in labels, in percent of their pixels.

    Of more than :data:`CONFUSED` classes, those with most pixels in labels are drawn, and one
    column for all others.
    """
    names = list(classes)
    if len(names) > CONFUSED:
        matrix, names = _most_frequent(matrix, names)
    labeled = matrix.sum(axis=1)
    there = np.flatnonzero(labeled)
    share = 100 * matrix[there] / labeled[there, None]
    figure = figures.matrix_figure(share, [names[i] for i in there], names, (0, 100))
    return Picture('confusion matrix: percent of the pixels of a class (row) with each prediction '
                   '(column)' + f', of the {len(there)} most frequent classes' * (
                       len(names) < len(classes)), figures.svg(figure))


def _most_frequent(matrix: np.ndarray, names: Sequence[str]) -> Tuple[np.ndarray, List[str]]:
    """Keep the classes with most pixels in labels. A last column has the sum of the others."""
    labeled = matrix.sum(axis=1)
    kept = np.sort(np.argsort(-labeled, kind='stable')[:min(CONFUSED, np.count_nonzero(labeled))])
    rows = matrix[kept]
    others = rows.sum(axis=1, keepdims=True) - rows[:, kept].sum(axis=1, keepdims=True)
    return np.hstack([rows[:, kept], others]), [*(names[i] for i in kept), 'other classes']


def _with_regularization(section: Section, trained: Checkpointed,
                         indices: Sequence[int]) -> Section:
    branches = regularization.both_branches(trained, indices)
    classes, palette = trained.dataset.CLASSES, trained.dataset.PALETTE
    strips = [strip for one in branches for strip in (
        *regularization.attention_strips(one, classes), regularization.branch_strip(one, palette))]
    table = Grid(
        ['image', 'differing pixels (%)', 'shadow right (%)', 'regularized right (%)',
         'total variation of the probabilities'],
        [[one.name, *(number(share) for share in regularization.shares(one)),
          number(one.distance, 4)] for one in branches])
    return section._replace(regularization=strips, differences=table)
