"""GTA5 (Richter et al., ECCV 2016) with the 19 Cityscapes classes."""
from mmseg.datasets import CityscapesDataset, CustomDataset
from mmseg.datasets.builder import DATASETS

from ..registration import register
from .loading import check_loading


@register(DATASETS)
class GTADataset(CustomDataset):
    """``images/NNNNN.png`` with ``labels/NNNNN_labelTrainIds.png``.

    The labels are made by ``tools/convert_datasets/gta.py``. Keyword arguments are those of
    mmseg's ``CustomDataset``.

    Raises:
        DataError: on access, an image or a label that is not right (see :mod:`.loading`).
    """

    CLASSES = CityscapesDataset.CLASSES
    PALETTE = CityscapesDataset.PALETTE

    def __init__(self, img_suffix: str = '.png', seg_map_suffix: str = '_labelTrainIds.png',
                 **kwargs):
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)
        check_loading(self)
