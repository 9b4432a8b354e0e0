"""Checks of labels as they are read for training and scoring. A fault is reported in one line."""
import logging
from typing import Callable, Dict, List, Optional, Sequence

import cv2
import numpy as np

from ..errors import DataError, MissingFile, UserError, unreadable
from ..labels.ignore_index import IGNORE_INDEX
from ..labels.statistics import EMPTY_SHARE, check_ids

#: Number of different labels after which too many that are all ignore are an error.
ENOUGH_LABELS = 20


class LabelCheck:
    """Checks the size and the values of labels.

    A label that is all ignore gives a warning, once per file. It is an error if more than half of
    the labels are all ignore, after the first 20 different ones in this process. GTA5 has a few
    black frames, but in a misread label format all frames are black.

    Args:
        log: returns the logger of the warnings; picklable.
        num_classes: values must be 0..num_classes-1 or ``ignore_index``.
        purpose: what labels are read for, for the warning: to be learned from or scored on.
    """

    def __init__(self, log: Callable[[], logging.Logger], num_classes: int,
                 ignore_index: int = IGNORE_INDEX,
                 purpose: str = 'learned from'):
        self.log = log
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.purpose = purpose
        self._is_empty: Dict[str, bool] = {}

    def __call__(self, label: np.ndarray, file: str, image: Optional[np.ndarray] = None,
                 image_file: Optional[str] = None) -> None:
        """Check a label.

        Args:
            label: H x W, as it is loaded.
            file: its path.
            image: its image H x W (x C), if that is loaded already.
            image_file: path of the image.

        Raises:
            DataError: the label has channels or another size than its image, holds an id out of
                range, or is one of too many labels that are all ignore.
        """
        self._check_shape(file, label.shape, image, image_file)
        self._check_values(file, label)

    @staticmethod
    def _check_shape(file: str, shape: Sequence[int], image: Optional[np.ndarray],
                     image_file: Optional[str]) -> None:
        if len(shape) < 2:  # mmseg drops sides of one pixel
            raise DataError(f'label {file} has a side of one pixel, which cannot be trained on or '
                            'scored: leave it and its image out')
        if len(shape) > 2:
            raise DataError(f'label {file} has {shape[-1]} channels, expected one that holds '
                            'class ids: convert it to train ids (mmseg-ssr convert)')
        if image is not None and image.shape[:2] != shape:
            height, width = image.shape[:2]
            raise DataError(f'label {file} is {shape[1]} x {shape[0]} pixels, but its image '
                            f'{image_file} is {width} x {height}: they must be of one size')

    def _check_values(self, file: str, label: np.ndarray) -> None:
        ids = _ids(label)
        check_ids(ids, file, self.num_classes, self.ignore_index)
        empty = ids == [self.ignore_index]
        first_time = file not in self._is_empty
        self._is_empty[file] = empty
        if not (empty and first_time):
            return
        self.log().warning(f'label {file} is all ignore ({self.ignore_index}): nothing is '
                           f'{self.purpose} it')
        read, empties = len(self._is_empty), sum(self._is_empty.values())
        if read >= ENOUGH_LABELS and empties > EMPTY_SHARE * read:
            raise DataError(f'{empties} of the {read} labels read so far are all ignore (the last '
                            f'one: {file}): check the format of the label files and convert them '
                            'again')


def label_error(file: str, error: Exception) -> UserError:
    """Return the meaning of an error that came up while a label was read.

    Args:
        error: an error of any kind, since damage makes decoders raise any.
    """
    if isinstance(error, MissingFile):
        return MissingFile(f'label {file} is missing: convert the data set (mmseg-ssr convert) or '
                           'take the image away')
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(file, 'label', error)
    return DataError(f'label {file} does not decode, it is damaged or no image: convert it again')


def _ids(label: np.ndarray) -> List[int]:
    """The distinct values in a label of any type."""
    narrow = np.ascontiguousarray(label, np.uint8)
    if label.dtype != np.uint8 and not np.array_equal(narrow, label):
        return np.unique(label).tolist()  # takes 20 times as long
    # cv2.calcHist takes a third of the time of np.bincount, but supports few types
    counts = cv2.calcHist([narrow], [0], None, [256], [0, 256]).ravel()
    return np.flatnonzero(counts).tolist()
