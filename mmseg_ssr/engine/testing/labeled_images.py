"""Images with labels for an evaluation, and scores of a data set from their comparison."""
from typing import Any, Dict, List, Sequence

import numpy as np
import torch
from mmseg.datasets import CustomDataset
from torch import Tensor
from torch.utils.data import Dataset

from ...datasets.detailed_scores import DetailedScores
from ...datasets.several_sets import SeveralSets
from ...errors import DataError
from ...labels.confusion import areas
from ...labels.ignore_index import IGNORE_INDEX


class LabeledImages(Dataset):
    """A data set's test images, each with the label that it is scored against.

    Items are ``dict(batch=..., label=...)``. ``batch`` is ``dataset[i]``. ``label`` is H x W uint8
    and holds classes and the data set's ``ignore_index``. So the loader's workers read labels
    together with the images.

    Args:
        dataset: a data set with mmseg's ``get_gt_seg_map_by_idx``.
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Dict[str, Any]:
        return dict(batch=self.dataset[index], label=self.label(index))

    def label(self, index: int) -> Tensor:
        """Read the label of an image, H x W uint8."""
        dataset = self.dataset
        if isinstance(dataset, SeveralSets):
            dataset, index = dataset.located(index)
        label = dataset.get_gt_seg_map_by_idx(index)
        if getattr(dataset, 'reduce_zero_label', False):
            # as mmseg does when it compares: class 0 is ignored, and the others move down by one
            label = np.where((label == 0) | (label == IGNORE_INDEX), IGNORE_INDEX,
                             label - 1).astype(np.uint8)
        return torch.from_numpy(np.ascontiguousarray(label))

    def evaluate(self, results: Sequence[Any], **options: Any) -> Dict[str, Any]:
        """Compute the data set's scores from a confusion matrix for each image."""
        return self.dataset.evaluate(as_pre_eval(self.dataset, results), **options)


def compares_itself(dataset: Dataset) -> bool:
    """Whether the data set compares predictions with labels in a way of its own.

    Several sets do if one of them does.
    """
    if isinstance(dataset, SeveralSets):
        return any(map(compares_itself, dataset.datasets))
    return not _compares_as(dataset, CustomDataset) and not _compares_as(dataset, DetailedScores)


def as_pre_eval(dataset: Dataset, results: Sequence[Any]) -> List[Any]:
    """Turn confusion matrices into the data set's ``pre_eval`` results. Leave others unchanged.

    Raises:
        DataError: the matrices of a data set count no pixel.
    """
    if isinstance(dataset, SeveralSets):
        return [one for part, own in dataset.by_set(results) for one in as_pre_eval(part, own)]
    if results and all(torch.is_tensor(result) and not result.any() for result in results):
        raise DataError(f'nothing can be scored: all {len(results)} labels in '
                        f'{getattr(dataset, "ann_dir", "the data set")} are all ignore '
                        f'({dataset.ignore_index}): check the format of the label files and '
                        'convert them again, or leave the scores out')
    if not _compares_as(dataset, CustomDataset):
        return list(results)
    return [areas(result) if torch.is_tensor(result) else result for result in results]


def _compares_as(dataset: Dataset, kind: type) -> bool:
    """Whether the data set compares as this class does."""
    return type(dataset).pre_eval is kind.pre_eval
