"""Driving data sets with the 19 classes of Cityscapes, in their published layouts."""
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence

from mmseg.datasets import CityscapesDataset
from mmseg.datasets.builder import DATASETS

from ..errors import ConfigError, nearest
from ..labels.cityscapes import SIXTEEN, THIRTEEN
from ..labels.image_list import list_images
from ..utils.paths import is_folder
from ..utils.registration import register
from .detailed_scores import DetailedScores
from .train_id_dataset import TrainIdDataset


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
class SynscapesDataset(TrainIdDataset):
    """Synscapes (Wrenninge and Unger, arXiv 1810.08705).

    The label of ``img/rgb-2k/N.png`` is ``img/class/N_labelTrainIds.png``, made by
    ``mmseg-ssr convert synscapes``. The images have 2048 x 1024 pixels, the labels 1440 x 720. They
    are resized to the image by the nearest pixel. ``img/rgb`` has images of the labels' size.
    """

    resizes_labels = True


@register(DATASETS)
class BDD100KDataset(TrainIdDataset):
    """The 10,000 images with segmentation of BDD100K (Yu et al., CVPR 2020).

    The label of ``images/10k/train/NAME.jpg`` is ``labels/sem_seg/masks/train/NAME.png``. It holds
    train ids as it is published.
    """

    SUFFIXES = ('.jpg', '.png')


@register(DATASETS)
class MapillaryDataset(TrainIdDataset):
    """Mapillary Vistas (Neuhold et al., ICCV 2017) in the 19 classes of Cityscapes.

    The label of ``validation/images/NAME.jpg`` is ``validation/labels/NAME_labelTrainIds.png``, or
    ``validation/v1.2/labels/...`` in the archive of v2.0. ``mmseg-ssr convert mapillary`` makes it
    of the ids of v1.2.
    """

    SUFFIXES = ('.jpg', '_labelTrainIds.png')


PARTS = ('train', 'val')


@register(DATASETS)
class WildDashDataset(DetailedScores, TrainIdDataset):
    """WildDash2 (Zendel et al., CVPR 2022), its public images: roads of the whole world.

    The label of ``images/NAME.jpg`` is ``labels/NAME_labelTrainIds.png``, made by
    ``mmseg-ssr convert wilddash``. The score counts all 19 classes, and the 16 of SYNTHIA
    (``mIoU16``).

    Args:
        part: ``'val'`` is every fifth image in the order of names, from the first one on, and
            ``'train'`` are the others: 852 and 3,404 of 4,256. WildDash2 itself has no such parts.
            Others divide it by lists of their own, which go into ``split``. None uses all.
        split: text file with the images to use, one in a line, relative to ``img_dir`` and without
            ending.
        options: see :class:`TrainIdDataset`.

    Raises:
        ConfigError: ``part`` is unknown, or ``split`` is given too.
    """

    SUFFIXES = ('.jpg', '_labelTrainIds.png')
    class_groups = {'mIoU16': SIXTEEN}

    def __init__(self, pipeline: Sequence[dict], img_dir: str, part: Optional[str] = None,
                 split: Optional[str] = None, **options: Any):
        self.check_config(dict(part=part, split=split))
        self.part = part
        super().__init__(pipeline, img_dir, split=split, **options)

    @staticmethod
    def check_config(config: Mapping) -> None:
        """Raise :class:`ConfigError` for an unknown part, and for a part of a list."""
        part = config.get('part')
        if part is not None and part not in PARTS:
            raise ConfigError(f'part must be train or val, got {part!r}{nearest(part, PARTS)}')
        if part is not None and config.get('split') is not None:
            raise ConfigError('part and split both choose images: give one of them')

    @property
    def takes_a_part(self) -> bool:
        """Whether only some of the images are used."""
        return self.part is not None

    def list_images(self, *arguments: Any) -> List[Dict]:
        """List the images of the part."""
        infos = super().list_images(*arguments)
        if self.part is None:
            return infos
        return [info for i, info in enumerate(infos) if (i % 5 == 0) == (self.part == 'val')]


@register(DATASETS)
class CityscapesSynthiaDataset(DetailedScores, CityscapesDataset):
    """Cityscapes as the target of SYNTHIA: also scored on the 16 common classes, and on 13."""

    class_groups = {'mIoU16': SIXTEEN, 'mIoU13': THIRTEEN}


@register(DATASETS)
class CrossCityDataset(DetailedScores, TrainIdDataset):
    """A city of NTHU Cross-City (Chen et al., ICCV 2017). ``data_root`` is the city's folder.

    The images ``Images/Train/NAME.jpg`` have no labels. The labels of ``Images/Test/NAME.png``
    are ``Labels/Test/NAME_labelTrainIds.png``, made by ``mmseg-ssr convert crosscity``.
    The score counts 13 classes. It is called ``mIoU13`` if all 19 classes are trained. If
    ``classes`` is set to the 13 (in source and target), it is the mIoU itself.
    """

    SUFFIXES = (('.jpg', '.png'), '_labelTrainIds.png')
    class_groups = {'mIoU13': THIRTEEN}


CONDITIONS = ('fog', 'night', 'rain', 'snow')


@register(DATASETS)
class ACDCDataset(DetailedScores, TrainIdDataset):
    """ACDC (Sakaridis et al., ICCV 2021) as published, scored for each condition and for all.

    ``img_dir='rgb_anon/train'`` means ``rgb_anon/CONDITION/train/RECORDING/NAME_rgb_anon.png``.
    ``ann_dir='gt/train'`` means ``gt/CONDITION/train/RECORDING/NAME_gt_labelTrainIds.png``. If
    there are no such folders, ``rgb_anon/train`` is used directly. So copies that hold all
    conditions in one folder, as for the configs of DAFormer, HRDA and MIC, work too. They give no
    scores of the conditions.

    Args:
        conditions: the conditions to use, of fog, night, rain and snow.
        split: text file of names relative to the folder of the conditions, ``rgb_anon``.
        options: see :class:`TrainIdDataset`.

    Raises:
        ConfigError: a condition is unknown, or conditions are chosen in a copy without them.
    """

    SUFFIXES = ('_rgb_anon.png', '_gt_labelTrainIds.png')

    def __init__(self, pipeline: Sequence[dict], img_dir: str,
                 conditions: Sequence[str] = CONDITIONS, **options: Any):
        self.check_config(dict(conditions=conditions))
        self.conditions = tuple(conditions)
        super().__init__(pipeline, img_dir, **options)

    @staticmethod
    def check_config(config: Mapping) -> None:
        """Raise :class:`ConfigError` for an unknown condition."""
        for name in config.get('conditions', ()):
            if name not in CONDITIONS:
                raise ConfigError(f'conditions holds {name!r}{nearest(name, CONDITIONS)}, valid '
                                  f'are {", ".join(CONDITIONS)}')

    @staticmethod
    def has_images(img_dir: str) -> bool:
        """Whether the folder exists, or a folder for each condition."""
        return is_folder(img_dir) or bool(_by_condition(img_dir))

    def list_images(self, img_dir: str, img_suffix: Sequence[str], ann_dir: Optional[str],
                    seg_map_suffix: str, split: Optional[str]) -> List[Dict]:
        folders = _by_condition(img_dir)
        if not folders:
            if set(self.conditions) != set(CONDITIONS):
                raise ConfigError(f'conditions={list(self.conditions)} needs the folders as '
                                  f'published, {os.path.dirname(img_dir)}/CONDITION/..., not a '
                                  'copy without them')
            return list_images(img_dir, img_suffix, ann_dir, seg_map_suffix, split)
        name = os.path.basename(os.path.normpath(img_dir))
        self.img_dir = os.path.dirname(os.path.normpath(img_dir))
        if ann_dir is not None:
            self.ann_dir = os.path.dirname(os.path.normpath(ann_dir))
        return list_images(self.img_dir, img_suffix, self.ann_dir, seg_map_suffix, split,
                           [f'{condition}/{name}' for condition in self.conditions])

    def image_groups(self) -> Dict[str, List[int]]:
        groups: Dict[str, List[int]] = {condition: [] for condition in CONDITIONS}
        for i, info in enumerate(self.img_infos):
            condition = info['filename'].split('/')[0]
            if condition in groups:
                groups[condition].append(i)
        return groups


def _by_condition(img_dir: str) -> List[str]:
    """The folders ``rgb_anon/CONDITION/train`` that ``rgb_anon/train`` stands for."""
    base, name = os.path.split(os.path.normpath(img_dir))
    folders = [os.path.join(base, condition, name) for condition in CONDITIONS]
    return [folder for folder in folders if is_folder(folder)]
