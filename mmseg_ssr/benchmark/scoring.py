"""mIoU of label maps: counting pixels, and a whole evaluation without a network."""
import contextlib
import itertools
import os
import sys
import tempfile
from typing import Dict, Iterator, List, Sequence, Tuple

import numpy as np
import torch
from mmseg.apis import single_gpu_test
from mmseg.core.evaluation.metrics import intersect_and_union
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..engine.build import build_test_dataset
from ..engine.data_loader import test_loader
from ..engine.on_device import OnDevice
from ..engine.testing.evaluate import run_test, scores
from ..labels.confusion import confusion_matrix
from ..utils.parallel import default_workers
from .cases import Case, Settings
from .data import CLASSES, Items, data_config, drawn_data, items_report
from .methods import Size
from .report import Report

#: Share of wrong pixels in a generated prediction.
WRONG = 0.1


class GivenLabels(nn.Module):
    """A segmentor that answers with given label maps, one after the other, as int64."""

    def __init__(self, predictions: Sequence[np.ndarray]):
        super().__init__()
        self.predictions = itertools.cycle(predictions)

    def forward(self, img: List[Tensor], img_metas: List[list], return_loss: bool) -> list:
        return [next(self.predictions).astype(np.int64)]


def validation_data(folder: str, size: Size) -> Tuple[Dataset, List[np.ndarray]]:
    """Draw images with labels, and generate a prediction for each."""
    dataset = build_test_dataset(data_config(folder, size), 'val')
    return dataset, made_predictions(dataset)


def made_predictions(dataset: Dataset) -> List[np.ndarray]:
    """Label maps with some labels wrong, H x W. As uint8, 500 of them fit in memory."""
    random = np.random.default_rng(0)
    predictions = []
    for i in range(len(dataset)):
        label = dataset.get_gt_seg_map_by_idx(i)
        wrong = (random.random(label.shape) < WRONG) | (label >= CLASSES)
        predictions.append(np.where(wrong, random.integers(CLASSES), label).astype(np.uint8))
    return predictions


def counting_pixels(device: torch.device, folder: str, size: Size, package: str) -> Items:
    """Compare predictions with labels in memory, by our function or mmseg's."""
    dataset, predictions = validation_data(folder, size)
    labels = [dataset.get_gt_seg_map_by_idx(i) for i in range(len(dataset))]
    if package == 'mmseg_ssr':

        def compare() -> None:
            for prediction, label in zip(predictions, labels):
                pair = (torch.from_numpy(map_).to(device) for map_ in (prediction, label))
                confusion_matrix(*pair, CLASSES).cpu()
    else:

        def compare() -> None:
            for prediction, label in zip(predictions, labels):
                intersect_and_union(prediction.astype(np.int64), label, CLASSES,
                                    dataset.ignore_index)

    return Items(compare, len(labels))


def evaluating(device: torch.device, folder: str, size: Size, package: str,
               workers: int) -> Items:
    """Load images and labels, compare and score them. The predictions exist already."""
    dataset, predictions = validation_data(folder, size)
    model = OnDevice(GivenLabels(predictions), device)

    def evaluate() -> Dict[str, float]:
        with quiet():
            if package == 'mmseg_ssr':
                counts = run_test(model, dataset, device, workers=workers)
                return scores(dataset, counts, logger='silent')
            counts = single_gpu_test(model, test_loader(dataset, workers, device), pre_eval=True)
            return dataset.evaluate(counts, logger='silent')

    return Items(evaluate, len(dataset))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide progress bars: mmcv's keeps a reference to the standard output."""
    sys.stdout.flush()
    output = os.dup(1)
    try:
        with open(os.devnull, 'w') as nowhere, contextlib.redirect_stderr(nowhere):
            os.dup2(nowhere.fileno(), 1)
            yield
    finally:
        sys.stdout.flush()
        os.dup2(output, 1)
        os.close(output)


def benchmark_eval(workers: Sequence[int], images: int, image_size: Tuple[int, int], size: Size,
                   settings: Settings, peers: bool = True) -> Report:
    """Measure counting and whole evaluations.

    Ours are measured by number of loading processes, and mmseg's too with ``peers``.
    """
    with tempfile.TemporaryDirectory() as folder:
        drawn_data(folder, 1, image_size, default_workers(), images)
        given = dict(folder=folder, size=size)
        counts = [Case(f'counts, {package}', counting_pixels, dict(given, package=package))
                  for package in ('mmseg', 'mmseg_ssr')]
        evaluations = [
            Case('evaluation, mmseg', evaluating, dict(given, package='mmseg', workers=0)),
            *(Case(f'evaluation, mmseg_ssr, {n} workers', evaluating, dict(
                given, package='mmseg_ssr', workers=n)) for n in workers)]
        left_out = 0 if peers else 1
        kinds = {'label maps counted': counts[left_out:],
                 'images evaluated, without the network': evaluations[left_out:]}
        return items_report(kinds, settings, f'{images} of {image_size[0]} x {image_size[1]}')
