"""Confusion matrices: the counts that all scores are computed from."""
from typing import Tuple

import torch
from torch import Tensor

from ..errors import ConfigError
from .ignore_index import IGNORE_INDEX

#: Number of values in labels, which are bytes.
VALUES = 256


def confusion_matrix(prediction: Tensor, label: Tensor, num_classes: int,
                     ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Count pixels by class in the label (row) and in the prediction (column), K x K int64.

    The matrix of several images is the sum of theirs.

    Args:
        prediction: classes 0..K-1, of any shape and integer dtype.
        label: uint8 of the same shape and device, classes 0..K-1. Pixels with any other value do
            not count.
        ignore_index: value that does not count, even if it is one of 0..K-1.

    Raises:
        ConfigError: a predicted class does not exist.
    """
    pairs = torch.add(prediction.long(), label, alpha=VALUES)
    counts = torch.bincount(pairs.flatten(), minlength=VALUES**2).view(-1, VALUES)[:num_classes]
    if 0 <= ignore_index < num_classes:
        counts[ignore_index] = 0
    if counts[:, num_classes:].any():
        raise ConfigError(f'the network predicts class {int(prediction.max())}, but the data set '
                          f'has {num_classes} classes: give decode_head.num_classes that number')
    return counts[:, :num_classes]


def areas(matrix: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """Split a confusion matrix, K x K, into the four vectors of K that mmseg's metrics need.

    Returns:
        For each class, the pixels in the intersection and in the union of prediction and label,
        the predicted pixels, and the labeled pixels, as float64.
    """
    matrix = matrix.double()
    both, predicted, labeled = matrix.diagonal(), matrix.sum(0), matrix.sum(1)
    return both, predicted + labeled - both, predicted, labeled
