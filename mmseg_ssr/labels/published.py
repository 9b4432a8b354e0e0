"""Labels of data sets as they are published: where they lie, and how they become train ids.

:mod:`~mmseg_ssr.labels.conversion` does the work.
"""
from functools import partial
from pathlib import Path
from typing import Callable, Iterable, List, NamedTuple, Optional, Sequence

from ..errors import MissingFile
from ..utils.folders import list_files
from ..utils.parallel import Progress
from .conversion import CITYSCAPES, CONVERTED, SYNTHIA, Conversion, Format, convert_files, finish
from .files import PathLike

#: Ids of Mapillary Vistas v1.2 for each train id. The others are ignored.
MAPILLARY_IDS = ((13, 24, 41), (2, 15), (17, ), (6, ), (3, ), (45, 47), (48, ), (50, ), (30, ),
                 (29, ), (27, ), (19, ), (20, 21, 22), (55, ), (61, ), (54, ), (58, ), (57, ),
                 (52, ))
MAPILLARY = Format(train_ids={mapillary_id: train_id for train_id, ids in enumerate(MAPILLARY_IDS)
                              for mapillary_id in ids})


class Published(NamedTuple):
    """The labels of a data set.

    Attributes:
        find: folder of the data set -> its labels.
        names: where they lie in it, for a message.
        give: the folder that people should give, for a message.
        suffix: ending of their names, in whose place the train ids get another one.
        kind: their format.
        counted: how the files begin that the class statistics count. None: there are none.
    """
    find: Callable[[Path], Sequence[Path]]
    names: str
    give: str
    suffix: str = '.png'
    kind: Format = CITYSCAPES
    counted: Optional[str] = ''


def convert(published: Published, root: PathLike, workers: int = 1,
            progress: Optional[Progress] = None) -> Conversion:
    """Convert the labels below ``root``, and write the class statistics into it.

    Raises:
        MissingFile: ``root`` is not laid out like the data set.
        DataError: more than half of the labels hold none of the 19 classes.
    """
    root = Path(root)
    labels = published.find(root)
    if not labels:
        raise MissingFile(f'{root} holds no {published.names}: give {published.give}')
    result = convert_files(labels, published.suffix, root, workers, progress, published.kind)
    finish(result, {file: counts for file, counts in result.statistics.items()
                    if published.counted is not None and file.startswith(published.counted)}, root)
    return result


def files_below(folder: Path, suffix: str) -> List[Path]:
    """All files below ``folder`` with this ending, in linked folders too, sorted."""
    return sorted(folder / file for file in list_files(str(folder)) if file.endswith(suffix))


def ending_in_digits(paths: Iterable[Path]) -> List[Path]:
    """Published labels. ``00001_labelTrainIds.png`` is our own output."""
    return [path for path in paths if path.stem[-1:].isdigit()]


def not_converted(paths: Iterable[Path]) -> List[Path]:
    """Published labels of any name."""
    return [path for path in paths if not path.name.endswith(CONVERTED)]


GTA = Published(
    lambda root: ending_in_digits(files_below(root / 'labels', '.png')),
    'labels/NNNNN.png',
    "the folder that has GTA5's 01_labels.zip..10_labels.zip unpacked in it (data/gta)")
# direct files only: SYNTHIA's video sequences have folders there, and other classes
SYNTHIA_RAND = Published(
    lambda root: ending_in_digits(path for path in files_below(root / 'GT' / 'LABELS', '.png')
                                  if path.parent == root / 'GT' / 'LABELS'),
    'GT/LABELS/NNNNNNN.png',
    'the folder RAND_CITYSCAPES of SYNTHIA_RAND_CITYSCAPES.rar (data/synthia), no other SYNTHIA '
    'set', kind=SYNTHIA)
CITYSCAPES_FINE = Published(
    lambda root: [path for split in ('train', 'val')
                  for path in files_below(root / 'gtFine' / split, '_gtFine_labelIds.png')],
    'gtFine/train/CITY/*_gtFine_labelIds.png',
    'the folder that has gtFine_trainvaltest.zip unpacked in it (data/cityscapes)',
    suffix='_labelIds.png', counted='gtFine/train/')
# the folder of all cities, or of one; labels are for tests alone
CROSS_CITY = Published(
    lambda root: [path for path in files_below(root, '_eval.png')
                  if path.parts[-3:-1] == ('Labels', 'Test')],
    'CITY/Labels/Test/*_eval.png',
    'the folder NTHU_Datasets (data/NTHU_Datasets) or that of a city in it',
    suffix='_eval.png', counted=None)
SYNSCAPES = Published(
    lambda root: ending_in_digits(files_below(root / 'img' / 'class', '.png')),
    'img/class/N.png', 'the folder Synscapes of its archive (data/synscapes)')
# the archive of v2.0 has the second layout; its labels of v2.0 have other ids and are left alone
MAPILLARY_VISTAS = Published(
    lambda root: not_converted(
        path for split in ('training', 'validation') for folder in ('', 'v1.2')
        for path in files_below(root / split / folder / 'labels', '.png')),
    'validation/labels/NAME.png and no validation/v1.2/labels/NAME.png',
    'the folder that has Mapillary Vistas unpacked in it (data/mapillary)',
    kind=MAPILLARY, counted='training/')
# further ids than those of Cityscapes are ignored
WILD_DASH = Published(
    lambda root: not_converted(files_below(root / 'labels', '.png')),
    'labels/NAME.png', 'the folder that has wd_public_02.zip unpacked in it (data/wilddash)')

convert_gta = partial(convert, GTA)
convert_synthia = partial(convert, SYNTHIA_RAND)
convert_cityscapes = partial(convert, CITYSCAPES_FINE)
convert_crosscity = partial(convert, CROSS_CITY)
convert_synscapes = partial(convert, SYNSCAPES)
convert_mapillary = partial(convert, MAPILLARY_VISTAS)
convert_wilddash = partial(convert, WILD_DASH)
