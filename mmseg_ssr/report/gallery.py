"""The same test images as several runs predict them: the best, the median and the worst."""
import math
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch.utils.data import Dataset

from ..errors import UserError, said
from .figures import Picture
from .pictures import Strip, label_picture, legend, views
from .predictions import FAULTS, Checkpointed, image_scores
from .runs import Run

#: Number of best images of a run, of its worst images, and of images that are compared over runs.
SHOWN = 3


class Examined(NamedTuple):
    """A run's images and their scores in percent. The networks are left out to save memory."""
    run: Run
    dataset: Dataset
    scores: Sequence[float]

    @property
    def files(self) -> List[Any]:
        """Name of each image file."""
        return [info['filename'] for info in self.dataset.img_infos]


class Gallery(NamedTuple):
    """The pictures that the page opens with.

    Attributes:
        ranked_by: name of the run whose scores choose the images.
        images: number of images that are chosen from.
        strips: a row for each image.
        legend: name and color of each class.
        differing: rows of other images, on which the scores of the runs differ most.
    """
    ranked_by: str
    images: int
    strips: Sequence[Strip]
    legend: Sequence[Tuple[str, str]]
    differing: Sequence[Strip] = ()


def frames(scores: Sequence[float]) -> List[Tuple[str, int]]:
    """Return title and index of the best, the median and the worst image, each image once.

    Of two images in the middle, the worse is the median.

    Raises:
        UserError: no image has a score.
    """
    order = ranking(scores)
    titles: Dict[int, List[str]] = {}
    for title, index in (('best', order[0]), ('median', order[len(order) // 2]),
                         ('worst', order[-1])):
        titles.setdefault(index, []).append(title)
    return [(' and '.join(names), index) for index, names in titles.items()]


def best_and_worst(scores: Sequence[float], count: int = SHOWN) -> Tuple[List[int], List[int]]:
    """Return the indices of the best and of the worst images, the extreme first.

    The two lists only share an image if there is just one.

    Raises:
        UserError: no image has a score.
    """
    order = ranking(scores)
    count = min(count, max(1, len(order) // 2))
    worst = order[::-1][:count]
    return [i for i in order[:count] if i not in worst] or order[:1], worst


def ranking(scores: Sequence[float]) -> List[int]:
    """Return the indices of the images that have a score, the best first.

    Raises:
        UserError: no image has a score.
    """
    order = sorted((i for i, score in enumerate(scores) if not math.isnan(score)),
                   key=lambda i: (-scores[i], i))
    if not order:
        raise UserError('no label of the test images holds a class')
    return order


def compare(runs: Sequence[Run], device: torch.device, images: Optional[int]
            ) -> Tuple[Optional[Gallery], List[str]]:
    """Make the gallery of some runs, and a line for each run that is left out."""
    examined: List[Examined] = []
    left_out: List[str] = []
    for run in runs:
        try:
            examined.append(_examined(run, device, images))
        except FAULTS as error:
            left_out.append(f'{run.name}, pictures: {said(error)}')
    return side_by_side(examined, device, images, left_out), left_out


def side_by_side(examined: Sequence[Examined], device: torch.device, images: Optional[int],
                 left_out: List[str]) -> Optional[Gallery]:
    """Show images as each run predicts them. Only one run's networks are in memory at a time.

    The scores of the last run choose the images. Runs that are tested on other images are left
    out, and there is no gallery if a run can no longer be read.

    Args:
        examined: the runs. Without any, there is no gallery.
        device, images: as for :class:`~mmseg_ssr.report.predictions.Checkpointed`.
        left_out: gets a line for each omission.
    """
    same = [one for one in examined if _comparable(one, examined[-1])]
    left_out += [f'{one.run.name}, images side by side: it is tested on other images than '
                 f'{examined[-1].run.name}' for one in examined if not _comparable(one, same[-1])]
    try:
        return _gallery(same, device, images) if same else None
    except FAULTS as error:
        left_out.append(f'images side by side: {said(error)}')
        return None


def _gallery(examined: Sequence[Examined], device: torch.device,
             images: Optional[int]) -> Gallery:
    last = examined[-1]
    shown = frames(last.scores)
    differing = [('', i) for i in most_different(examined) if i not in dict(shown).values()]
    strips = _strips(examined, [*shown, *differing[:SHOWN]], device, images)
    return Gallery(last.run.name, len(last.dataset), strips[:len(shown)],
                   legend(last.dataset.CLASSES, last.dataset.PALETTE), strips[len(shown):])


def _examined(run: Run, device: torch.device, images: Optional[int]) -> Examined:
    trained = Checkpointed(run, device, images)
    return Examined(run, trained.dataset, image_scores(trained.matrices()))


def _comparable(one: Examined, other: Examined) -> bool:
    return one.files == other.files and one.dataset.CLASSES == other.dataset.CLASSES


def most_different(examined: Sequence[Examined]) -> List[int]:
    """Return the indices of the images, beginning with those whose scores differ most.

    Images without a difference are left out.
    """
    scores = np.array([one.scores for one in examined])
    gaps = np.nan_to_num(scores.max(axis=0) - scores.min(axis=0))
    return [i for i in np.argsort(-gaps, kind='stable').tolist() if gaps[i] > 0]


def _strips(examined: Sequence[Examined], chosen: Sequence[Tuple[str, int]],
            device: torch.device, images: Optional[int]) -> List[Strip]:
    """Draw a row for each chosen image: photograph, truth, and the prediction of each run."""
    indices = [index for _, index in chosen]
    rows = [[] for _ in chosen]
    for one in examined:
        for row, pictures in zip(rows, _pictures(one, indices, device, images)):
            row += pictures[-1:] if row else pictures
    files = examined[-1].files
    return [Strip(f'{title}: {files[index]}' if title else str(files[index]), row)
            for row, (title, index) in zip(rows, chosen)]


def _pictures(one: Examined, indices: Sequence[int], device: torch.device,
              images: Optional[int]) -> List[List[Picture]]:
    """Draw photograph, truth and prediction of some of a run's images."""
    palette = one.dataset.PALETTE
    predictions = Checkpointed(one.run, device, images).predictions(indices)
    return [[*views(found, palette),
             label_picture(f'{one.run.name}: mIoU {one.scores[index]:.1f}', found.label, palette)]
            for index, found in zip(indices, predictions)]
