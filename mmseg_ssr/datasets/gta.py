"""GTA5 (Richter et al., ECCV 2016) with the 19 Cityscapes classes."""
from typing import Optional, Sequence, Union

from mmseg.datasets import CityscapesDataset, CustomDataset
from mmseg.datasets.builder import DATASETS

from ..registration import register
from .loading import check_loading


@register(DATASETS)
class GTADataset(CustomDataset):
    """``images/NNNNN.png`` with ``labels/NNNNN_labelTrainIds.png``.

    The labels are made by ``tools/convert_datasets/gta.py``.

    Args:
        pipeline, img_dir, ann_dir, data_root, split, test_mode, ignore_index, reduce_zero_label,
            classes, palette: as in mmseg's ``CustomDataset``.

    Raises:
        DataError: on access, an image or a label that is not right (see :mod:`.loading`).
    """

    CLASSES = CityscapesDataset.CLASSES
    PALETTE = CityscapesDataset.PALETTE

    def __init__(self,
                 pipeline: Sequence[dict],
                 img_dir: str,
                 img_suffix: str = '.png',
                 ann_dir: Optional[str] = None,
                 seg_map_suffix: str = '_labelTrainIds.png',
                 data_root: Optional[str] = None,
                 split: Optional[str] = None,
                 test_mode: bool = False,
                 ignore_index: int = 255,
                 reduce_zero_label: bool = False,
                 classes: Union[str, Sequence[str], None] = None,
                 palette: Optional[Sequence[Sequence[int]]] = None):
        super().__init__(
            pipeline, img_dir, img_suffix=img_suffix, ann_dir=ann_dir,
            seg_map_suffix=seg_map_suffix, data_root=data_root, split=split, test_mode=test_mode,
            ignore_index=ignore_index, reduce_zero_label=reduce_zero_label, classes=classes,
            palette=palette)
        check_loading(self)
