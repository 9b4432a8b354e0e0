"""Common base of the data sets whose label files hold train ids."""
from typing import Dict, List, Optional, Sequence, Tuple, Union

from mmcv.utils import print_log
from mmseg.datasets import CityscapesDataset, CustomDataset
from mmseg.utils import get_root_logger

from ..labels.ignore_index import IGNORE_INDEX
from ..labels.image_list import list_images
from .pipelines.checked_loading import check_loading


class TrainIdDataset(CustomDataset):
    """Labels with Cityscapes train ids, in files of a fixed ending.

    Args:
        img_suffix: one ending of the image files or several. None uses the class's own.
        seg_map_suffix: ending of the label's name in its place. None uses the class's own.
        pipeline, img_dir, ann_dir, data_root, split, test_mode, ignore_index, reduce_zero_label,
            classes, palette: as in mmseg's ``CustomDataset``.

    Raises:
        DataError: on access, an image or label is not valid (see
            :mod:`~mmseg_ssr.datasets.pipelines.checked_loading`).
    """

    CLASSES = CityscapesDataset.CLASSES
    PALETTE = CityscapesDataset.PALETTE
    #: Endings of the images and of the labels.
    SUFFIXES: Tuple[Union[str, Sequence[str]], str] = ('.png', '_labelTrainIds.png')
    #: Whether labels may be smaller than their images. They are resized where they are loaded.
    resizes_labels = False

    def __init__(self,
                 pipeline: Sequence[dict],
                 img_dir: str,
                 img_suffix: Union[str, Sequence[str], None] = None,
                 ann_dir: Optional[str] = None,
                 seg_map_suffix: Optional[str] = None,
                 data_root: Optional[str] = None,
                 split: Optional[str] = None,
                 test_mode: bool = False,
                 ignore_index: int = IGNORE_INDEX,
                 reduce_zero_label: bool = False,
                 classes: Union[str, Sequence[str], None] = None,
                 palette: Optional[Sequence[Sequence[int]]] = None):
        super().__init__(
            pipeline, img_dir, img_suffix=img_suffix or self.SUFFIXES[0], ann_dir=ann_dir,
            seg_map_suffix=seg_map_suffix or self.SUFFIXES[1], data_root=data_root, split=split,
            test_mode=test_mode, ignore_index=ignore_index, reduce_zero_label=reduce_zero_label,
            classes=classes, palette=palette)
        check_loading(self)

    def load_annotations(self, img_dir: str, img_suffix: Union[str, Sequence[str]],
                         ann_dir: Optional[str], seg_map_suffix: str,
                         split: Optional[str]) -> List[Dict]:
        """See :func:`.list_images`."""
        suffixes = (img_suffix, ) if isinstance(img_suffix, str) else img_suffix
        infos = self.list_images(img_dir, suffixes, ann_dir, seg_map_suffix, split)
        print_log(f'Loaded {len(infos)} images', logger=get_root_logger())
        return infos

    def list_images(self, *arguments) -> List[Dict]:
        """List the images. Data sets with another folder layout override this."""
        return list_images(*arguments)
