"""Data sets with labels or own folders, registered with mmseg 1.x."""
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from mmseg.datasets import BaseSegDataset, CityscapesDataset
from mmseg.registry import DATASETS

from ..labels.class_table import ClassTable
from ..labels.ignore_index import IGNORE_INDEX
from ..labels.image_list import list_images
from ..utils.registration import register
from .checked import check_loading

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')


class ListedDataset(BaseSegDataset):
    """A data set whose images have one ending or several, in lower or upper case.

    ``ann_file`` names the images to use, one in a line, relative to their folder and without
    ending.
    """

    def load_data_list(self) -> List[Dict[str, Any]]:
        """List the images with their labels, see :func:`.list_images`."""
        images, labels = (self.data_prefix.get(key) or None for key in ('img_path', 'seg_map_path'))
        suffixes = (self.img_suffix, ) if isinstance(self.img_suffix, str) else self.img_suffix
        infos = list_images(images or '.', suffixes, labels, self.seg_map_suffix,
                            self.ann_file or None)
        return [dict(
            img_path=os.path.join(images or '.', info['filename']), label_map=self.label_map,
            reduce_zero_label=self.reduce_zero_label, seg_fields=[],
            **({} if labels is None else
               dict(seg_map_path=os.path.join(labels, info['ann']['seg_map']))))
            for info in infos]


class TrainIdDataset(ListedDataset):
    """Labels with Cityscapes train ids, in files of a fixed ending.

    Args:
        img_suffix: one ending of the image files or several. None uses the class's own.
        seg_map_suffix: ending of the label's name in its place. None uses the class's own.
        options: as in mmseg's ``BaseSegDataset``.
    """

    METAINFO = CityscapesDataset.METAINFO
    #: Endings of the images and of the labels.
    SUFFIXES: Tuple[Union[str, Sequence[str]], str] = ('.png', '_labelTrainIds.png')

    def __init__(self, img_suffix: Union[str, Sequence[str], None] = None,
                 seg_map_suffix: Optional[str] = None, **options: Any):
        super().__init__(img_suffix=img_suffix or self.SUFFIXES[0],
                         seg_map_suffix=seg_map_suffix or self.SUFFIXES[1], **options)


@register(DATASETS)
class GTADataset(TrainIdDataset):
    """GTA5 (Richter et al., ECCV 2016): ``images/NNNNN.png``, ``labels/NNNNN_labelTrainIds.png``.

    ``mmseg-ssr convert gta`` makes the labels.
    """


@register(DATASETS)
class SynthiaDataset(TrainIdDataset):
    """SYNTHIA-RAND-CITYSCAPES (Ros et al., CVPR 2016).

    The label of ``RGB/NNNNNNN.png`` is ``GT/LABELS/NNNNNNN_labelTrainIds.png``, made by
    ``mmseg-ssr convert synthia``. Terrain, truck and train do not occur.
    """


@register(DATASETS)
class FolderDataset(ListedDataset):
    """Images and labels in folders of any depth, with classes that the config names.

    The label of ``a/b/NAME.jpg`` in the image folder is ``a/b/NAME.png`` in the label folder.
    ``classes`` says what its values mean, so labels need no conversion.

    Args:
        classes: a name, or ``dict(name=, ids=[...], color=[R, G, B])``, for each class
            (see :meth:`.ClassTable.from_config`). Source and target need the same names.
        ignore: values of the labels to ignore, besides 255. ``'rest'`` stands for all values
            that ``classes`` does not name.
        img_suffix: one ending of the image files or several, in lower or upper case.
        seg_map_suffix: ending of the label's name, which replaces ``img_suffix``.
        pipeline, data_prefix, data_root, ann_file, test_mode: as in mmseg's ``BaseSegDataset``.

    Raises:
        ConfigError: the class table is not valid.
        DataError: on access, a label is not valid, or no class has a value.
    """

    def __init__(self,
                 classes: Sequence[Union[str, Mapping[str, Any]]],
                 ignore: Union[str, Sequence] = (),
                 img_suffix: Union[str, Sequence[str]] = IMAGE_SUFFIXES,
                 seg_map_suffix: str = '.png',
                 pipeline: Sequence[dict] = (),
                 data_prefix: Optional[Mapping[str, str]] = None,
                 data_root: Optional[str] = None,
                 ann_file: str = '',
                 test_mode: bool = False):
        self.class_table = ClassTable.from_config(classes, ignore)
        super().__init__(
            ann_file=ann_file, img_suffix=tuple([img_suffix] if isinstance(img_suffix, str)
                                                else img_suffix),
            seg_map_suffix=seg_map_suffix, data_root=data_root, pipeline=list(pipeline),
            data_prefix=dict(data_prefix or {}), test_mode=test_mode, ignore_index=IGNORE_INDEX,
            metainfo=dict(classes=tuple(self.class_table.names), palette=self.class_table.palette))
        check_loading(self)
