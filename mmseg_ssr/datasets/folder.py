"""Your own data: a folder of images, a folder of labels, and a class table in the config."""
from typing import Dict, List, Mapping, Optional, Sequence, Union

from mmcv.utils import print_log
from mmseg.datasets import CustomDataset
from mmseg.datasets.builder import DATASETS
from mmseg.utils import get_root_logger

from ..errors import ConfigError
from ..labels.class_table import ClassTable
from ..labels.image_list import list_images
from ..utils.registration import register
from .pipelines.checked_loading import check_loading

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')


@register(DATASETS)
class FolderDataset(CustomDataset):
    """Images and labels in folders of any depth, with classes that the config names.

    The label of ``img_dir/a/b/NAME.jpg`` is ``ann_dir/a/b/NAME.png``. ``classes`` says what its
    values mean, so labels need no conversion. Gray PNGs of 8 or 16 bits, palette PNGs (their
    index is the value) and color PNGs (their ``color`` gives the class) are read directly.

    Args:
        pipeline: steps as in mmseg. ``LoadAnnotations`` reads through the class table.
        img_dir: folder of the images, relative to ``data_root``.
        ann_dir: folder of the labels, relative to ``data_root``, or None without labels,
            as in a target domain.
        classes: a name, or ``dict(name=, ids=[...], color=[R, G, B])``, for each class
            (see :meth:`.ClassTable.from_config`). Source and target need the same names.
        ignore: values of the labels to ignore, besides 255. ``'rest'`` stands for all values
            that ``classes`` does not name.
        img_suffix: one ending of the image files or several, in lower or upper case.
        seg_map_suffix: ending of the label's name, which replaces ``img_suffix``.
        split: text file with the images to use, one in a line, relative to ``img_dir`` and
            without ``img_suffix``. None uses all.
        data_root, test_mode: as in mmseg.

    Raises:
        ConfigError: the class table or an ending is not valid.
        MissingFile: an image that ``split`` names is missing.
        DataError: on access, an image or label is not valid, or no class has a value.
    """

    #: What to do about an unknown value in a label. By default, to put it into the config.
    REMEDY = ''

    def __init__(self,
                 pipeline: Sequence[dict],
                 img_dir: str,
                 classes: Sequence[Union[str, Mapping]],
                 ann_dir: Optional[str] = None,
                 ignore: Union[str, Sequence] = (),
                 img_suffix: Union[str, Sequence[str]] = IMAGE_SUFFIXES,
                 seg_map_suffix: str = '.png',
                 split: Optional[str] = None,
                 data_root: Optional[str] = None,
                 test_mode: bool = False):
        self.class_table = ClassTable.from_config(classes, ignore, self.REMEDY)
        suffixes = (img_suffix, ) if isinstance(img_suffix, str) else tuple(img_suffix)
        if not suffixes or not all(isinstance(s, str) and s for s in (*suffixes, seg_map_suffix)):
            raise ConfigError('img_suffix must be an ending such as .jpg, or a list of some, and '
                              f'seg_map_suffix one, got {img_suffix!r} and {seg_map_suffix!r}')
        super().__init__(
            pipeline, img_dir, img_suffix=suffixes, ann_dir=ann_dir, seg_map_suffix=seg_map_suffix,
            split=split, data_root=data_root, test_mode=test_mode,
            classes=list(self.class_table.names), palette=self.class_table.palette)
        check_loading(self)

    @staticmethod
    def check_config(config: Mapping) -> None:
        """Raise :class:`ConfigError` if the class table is not valid.

        A derived class may bring its own table, so that the config has none.
        """
        if 'classes' in config:
            ClassTable.from_config(config['classes'], config.get('ignore', ()))

    def load_annotations(self, img_dir: str, img_suffix: Sequence[str], ann_dir: Optional[str],
                         seg_map_suffix: str, split: Optional[str]) -> List[Dict]:
        """See :func:`.list_images`."""
        infos = self.list_images(img_dir, img_suffix, ann_dir, seg_map_suffix, split)
        print_log(f'Loaded {len(infos)} images', logger=get_root_logger())
        return infos

    def list_images(self, *arguments) -> List[Dict]:
        """List the images. Data sets that choose some of the files override this."""
        return list_images(*arguments)
