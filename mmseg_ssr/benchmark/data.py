"""Loading, converting and counting: images per second by number of processes."""
import os
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import torch

from ..engine.build import build_training_dataset
from ..engine.data_loader import training_loader
from ..labels.conversion import CONVERTED
from ..labels.published import convert_cityscapes, convert_gta
from ..labels.statistics import count_labels, count_train_ids
from ..streets import make_streets
from .cases import Case, Settings, measure_cases
from .measure import Workload
from .methods import EXACT, Size, method_config
from .report import Report, markdown_table, number, ratio, spread

CLASSES = 19
#: Pixels of a class that make an image eligible for it in rare class sampling.
MIN_PIXELS = 16


class Items(Workload):
    """Work on a number of items."""

    def __init__(self, work: Callable[[], Any], items: int):
        self.work = work
        self.items = items

    def run(self) -> None:
        self.work()

    def finish(self) -> Dict[str, Any]:
        return dict(items=self.items)


def drawn_data(folder: str, images: int, size: Tuple[int, int], workers: int,
               val_images: Optional[int] = None) -> None:
    """Draw source, target and validation images, and convert their labels."""
    root = make_streets(folder, images, images, images if val_images is None else val_images,
                        size, workers=workers)
    convert_gta(root / 'gta', workers)
    convert_cityscapes(root / 'cityscapes', workers)


def data_config(folder: str, size: Size, method: str = 'daformer') -> Any:
    """The config of a method on the drawn data."""
    cfg = method_config(method, EXACT, size)
    for split, name in ((cfg.data.train.source, 'gta'), (cfg.data.train.target, 'cityscapes'),
                        (cfg.data.val, 'cityscapes'), (cfg.data.test, 'cityscapes')):
        split.data_root = os.path.join(folder, name)
    cfg.data.train.rare_class_sampling.min_pixels = MIN_PIXELS
    return cfg


def loading(device: torch.device, folder: str, size: Size, workers: int, batches: int) -> Items:
    """Load pairs of source and target images as a training does, some batches at a time.

    An item is a pair. The processes keep loading between two measurements until their queue is
    full, so ``batches`` should be many times ``workers``.
    """
    dataset = build_training_dataset(data_config(folder, size), seed=0)
    loader = iter(training_loader(dataset, size.batch, 10 ** 6, 0, workers=workers, device=device))

    def load() -> None:
        for _ in range(batches):
            next(loader)

    return Items(load, batches * size.batch)


def converting(device: torch.device, folder: str, workers: int) -> Items:
    """Convert label ids of the source to train ids, with their statistics."""
    root = Path(folder) / 'gta'
    labels = [path for path in (root / 'labels').iterdir() if path.stem.isdigit()]

    def convert() -> None:
        for path in (root / 'labels').glob(f'*{CONVERTED}'):
            path.unlink()
        convert_gta(root, workers)

    return Items(convert, len(labels))


def counting(device: torch.device, folder: str, workers: int) -> Items:
    """Count the classes in converted labels."""
    root = Path(folder) / 'cityscapes'
    files = [str(path.relative_to(root)) for path in root.glob(f'gtFine/**/*{CONVERTED}')]
    count = partial(count_train_ids, num_classes=CLASSES)
    return Items(lambda: count_labels(root, files, count, workers), len(files))


def benchmark_data(workers: Sequence[int], images: int, image_size: Tuple[int, int],
                   batches: int, size: Size, settings: Settings,
                   converters: bool = True) -> Report:
    """Measure the loader by number of processes, with ``converters`` labels and statistics too."""
    with tempfile.TemporaryDirectory() as folder:
        drawn_data(folder, images, image_size, max(workers))
        kinds: Dict[str, List[Case]] = {
            'training pairs loaded': [
                Case(f'loader, {n} workers', loading, dict(
                    folder=folder, size=size, workers=n, batches=batches)) for n in workers],
            'labels converted': [
                Case(f'converter, {n} processes', converting, dict(folder=folder, workers=n))
                for n in workers if n],
            'labels counted': [
                Case(f'class statistics, {n} processes', counting, dict(folder=folder, workers=n))
                for n in workers if n],
        }
        if not converters:
            kinds = dict([next(iter(kinds.items()))])
        return items_report(kinds, settings, f'images of {image_size[0]} x {image_size[1]}')


def items_report(kinds: Dict[str, List[Case]], settings: Settings, of_what: str) -> Report:
    """Report items per second. The first case of each kind is the reference for the others."""
    report = Report(record=dict(cases={}))
    for title, cases in kinds.items():
        if not cases:
            report.notes.append(f'{title}: none of its cases is asked for')
            continue
        outcome = measure_cases(cases, replace(settings, calls=1))  # the host is what works
        report.left_out += outcome.left_out.values()
        records = {name: result.record() for name, result in outcome.results.items()}
        rows = []
        for name, record in records.items():
            record['items_per_second'] = record['items'] / record['seconds']
            if cases[0].name in records:
                record['speed_ratio'] = (record['items_per_second']
                                         / records[cases[0].name]['items_per_second'])
            rows.append([name, spread(record), number(record['items_per_second']),
                         ratio(record, 'speed_ratio')])
        report.record['cases'].update(records)
        report.tables.append((f'{title.capitalize()}, {of_what}', markdown_table(
            ['case', 'seconds (min-max)', 'a second', 'this / first'], rows)))
    return report
