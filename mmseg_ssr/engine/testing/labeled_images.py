"""Images and labels for an evaluation, and what a data set makes of their comparison."""
from typing import Any, Dict, List, Sequence

import numpy as np
import torch
from mmseg.datasets import CustomDataset
from torch import Tensor
from torch.utils.data import Dataset

from ...datasets.detailed_scores import DetailedScores
from ...labels.confusion import areas
from ...labels.ignore_index import IGNORE_INDEX


class LabeledImages(Dataset):
    """Images as a data set gives them for testing, each with the label that it is scored against.

    Items are ``dict(batch=..., label=...)``: what ``dataset[i]`` is, and H x W uint8, classes and
    the data set's ``ignore_index``. So labels are read by the loader's workers, beside the images.

    Args:
        dataset: one with mmseg's ``get_gt_seg_map_by_idx``.
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Dict[str, Any]:
        return dict(batch=self.dataset[index], label=self.label(index))

    def label(self, index: int) -> Tensor:
        """H x W uint8."""
        label = self.dataset.get_gt_seg_map_by_idx(index)
        if getattr(self.dataset, 'reduce_zero_label', False):
            # as mmseg does when it compares: class 0 does not count, the others move down
            label = np.where((label == 0) | (label == IGNORE_INDEX), IGNORE_INDEX,
                             label - 1).astype(np.uint8)
        return torch.from_numpy(np.ascontiguousarray(label))

    def evaluate(self, results: Sequence[Any], **options: Any) -> Dict[str, Any]:
        """The scores of the data set, from a confusion matrix for each image."""
        return self.dataset.evaluate(as_pre_eval(self.dataset, results), **options)


def compares_itself(dataset: Dataset) -> bool:
    """Has the data set a way of its own to compare predictions with labels?"""
    return not _compares_as(dataset, CustomDataset) and not _compares_as(dataset, DetailedScores)


def as_pre_eval(dataset: Dataset, results: Sequence[Any]) -> List[Any]:
    """Confusion matrices in the form that the data set's ``pre_eval`` has; the rest as it is."""
    if not _compares_as(dataset, CustomDataset):
        return list(results)
    return [areas(result) if torch.is_tensor(result) else result for result in results]


def _compares_as(dataset: Dataset, kind: type) -> bool:
    """Does the data set compare as this class does?"""
    return type(dataset).pre_eval is kind.pre_eval
