"""Several data sets that are trained on as one."""
from typing import Sequence

from torch.utils.data import ConcatDataset, Dataset


class JoinedDataset(ConcatDataset):
    """The images of several data sets, one after the other.

    mmseg's ``ConcatDataset`` also scores, and so refuses Cityscapes and Dark Zurich. Sets to score
    are :class:`~mmseg_ssr.datasets.several_sets.SeveralSets`.

    Args:
        datasets: at least one data set. The classes are those of the first.
    """

    def __init__(self, datasets: Sequence[Dataset]):
        super().__init__(datasets)
        self.CLASSES, self.PALETTE = datasets[0].CLASSES, datasets[0].PALETTE
