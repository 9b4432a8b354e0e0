"""Every file of a data set looked at: what is missing, damaged, of another size or value."""
import os
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

import cv2

from ..errors import UserError
from .class_statistics import Counts, fresh_counts, load_class_statistics, match_files
from .image_list import list_files
from .label_files import image_size, relative_path
from .origins import ORIGINS
from .parallel import Progress, parallel_map
from .source_statistics import as_trained, label_counter


@dataclass
class Report:
    """What was found in a data set.

    Attributes:
        images, labels: number of files looked at.
        pixels: class -> its share of the labelled pixels; every class is in it.
        problems: a line for each file that training or scoring would stop at.
        notes: a line for each thing that is allowed, but may not be meant.
    """

    images: int = 0
    labels: int = 0
    pixels: Dict[str, float] = field(default_factory=dict)
    problems: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)


class _Seen(NamedTuple):
    counts: Optional[Counts] = None
    problem: Optional[str] = None
    note: Optional[str] = None


def inspect(dataset, published: Optional[int] = None, workers: int = 1,
            progress: Optional[Progress] = None) -> Report:
    """Read all images of a built data set, and their labels if it has any.

    Args:
        dataset: an mmseg data set over files (no wrapper), built without asking for labels.
        published: number of images that it should have, if known.
        workers: processes.
    """
    images = [os.path.join(dataset.img_dir, info['filename']) for info in dataset.img_infos]
    report = Report(images=len(images))
    if published is not None and published != len(images):
        report.notes.append(f'{dataset.img_dir} holds {len(images)} images, published are '
                            f'{published}')
    labels: List[Optional[str]] = [None] * len(images)
    if dataset.ann_dir is not None:
        labels = _labels(dataset, report)
    look = partial(_look, count=label_counter(dataset), dataset=_Meaning.of(dataset))
    seen = parallel_map(look, list(zip(images, labels)), workers, progress)
    report.problems += [one.problem for one in seen if one.problem]
    report.notes += [one.note for one in seen if one.note]
    _count(report, dataset, [one.counts for one in seen if one.counts is not None])
    return report


def inspect_statistics(dataset) -> List[str]:
    """What is wrong with the class statistics of a source; they are then made anew."""
    root = Path(dataset.data_root or dataset.ann_dir)
    files = [relative_path(os.path.join(dataset.ann_dir, info['ann']['seg_map']), root)
             for info in dataset.img_infos]
    try:
        recorded = load_class_statistics(root)
        gone = len(recorded) - len(match_files(recorded, list_files(str(root))))
    except UserError as error:
        return [str(error)]
    old = len(files) - len(fresh_counts(root, files))
    return ([f'class statistics in {root} miss {old} of {len(files)} labels, or are older: they '
             'are counted on the next start'] if old else []) + (
           [f'class statistics in {root} name {gone} files that are not there'] if gone else [])


def published_images(config: Mapping) -> Optional[int]:
    """How many images the folder of a data set's config has where it is published."""
    folder = '/' + str(config.get('img_dir', '')).strip('/')
    origin = ORIGINS.get(config['type'])
    fitting = {end: n for end, n in (origin.images if origin else {}).items()
               if folder.endswith(f'/{end}')}
    return fitting[max(fitting, key=len)] if fitting else None


@dataclass
class _Meaning:
    """What turns the values in labels into classes; unlike the data set, quick to hand on."""

    CLASSES: Tuple[str, ...]
    label_map: Optional[Dict[int, int]]
    reduce_zero_label: bool
    class_table: Optional[object]

    @classmethod
    def of(cls, dataset) -> '_Meaning':
        return cls(tuple(dataset.CLASSES), getattr(dataset, 'label_map', None),
                   getattr(dataset, 'reduce_zero_label', False),
                   getattr(dataset, 'class_table', None))


def _labels(dataset, report: Report) -> List[Optional[str]]:
    """The label of each image, None where there is none; images and labels left alone are said."""
    wanted = [info['ann']['seg_map'].replace('\\', '/') for info in dataset.img_infos]
    present = {file for file in list_files(dataset.ann_dir)
               if file.endswith(dataset.seg_map_suffix)}
    for info, label in zip(dataset.img_infos, wanted):
        if label not in present:
            report.problems.append(f'image {os.path.join(dataset.img_dir, info["filename"])} has '
                                   f'no label {os.path.join(dataset.ann_dir, label)}')
    alone = sorted(present - set(wanted))
    if alone:
        report.notes.append(f'{len(alone)} labels in {dataset.ann_dir} have no image (first: '
                            f'{alone[0]})')
    return [os.path.join(dataset.ann_dir, label) if label in present else None
            for label in wanted]


def _look(pair: Tuple[str, Optional[str]], count: Callable[[Path], Counts],
          dataset: _Meaning) -> _Seen:
    """Read an image and its label."""
    path, label = pair
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        return _Seen(problem=f'image {path} does not decode, it is damaged or no image')
    note = f'image {path} is of a single colour' if image.min() == image.max() else None
    if label is None:
        return _Seen(note=note)
    try:
        counts = as_trained(count(Path(label)), dataset, Path(label))
        width, height = image_size(label)
    except UserError as error:
        return _Seen(problem=str(error), note=note)
    if (height, width) != image.shape[:2]:
        return _Seen(counts, f'label {label} is {width} x {height} pixels, but its image {path} '
                             f'is {image.shape[1]} x {image.shape[0]}', note)
    return _Seen(counts, None, note if counts else f'label {label} holds no class, all is ignored')


def _count(report: Report, dataset, counts: List[Counts]) -> None:
    """Shares of the classes, and the classes without any pixel."""
    report.labels = len(counts)
    if not counts:
        return
    total: Counter = Counter()
    for one in counts:
        total.update(one)
    pixels = max(sum(total.values()), 1)
    report.pixels = {name: total[i] / pixels for i, name in enumerate(dataset.CLASSES)}
    absent = [name for i, name in enumerate(dataset.CLASSES) if not total[i]]
    if absent:
        report.notes.append(f'no pixel of {", ".join(absent)}')
