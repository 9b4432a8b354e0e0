"""Conversion of the labels of Synscapes, Mapillary Vistas and WildDash2 to train ids.

See :mod:`~mmseg_ssr.labels.conversion`, which does the work.
"""
from pathlib import Path
from typing import Optional

from ..errors import MissingFile
from ..utils.parallel import Progress
from .conversion import (
    CONVERTED,
    Conversion,
    Format,
    convert_files,
    ending_in_digits,
    files_below,
    finish,
)
from .files import PathLike

#: Ids of Mapillary Vistas v1.2 for each train id. The others are ignored.
MAPILLARY_IDS = ((13, 24, 41), (2, 15), (17, ), (6, ), (3, ), (45, 47), (48, ), (50, ), (30, ),
                 (29, ), (27, ), (19, ), (20, 21, 22), (55, ), (61, ), (54, ), (58, ), (57, ),
                 (52, ))
MAPILLARY = Format(train_ids={mapillary_id: train_id for train_id, ids in enumerate(MAPILLARY_IDS)
                              for mapillary_id in ids})


def convert_synscapes(root: PathLike, workers: int = 1,
                      progress: Optional[Progress] = None) -> Conversion:
    """Convert ``root/img/class/N.png`` and write the class statistics into ``root``.

    Raises:
        MissingFile: ``root`` is not laid out like Synscapes.
        DataError: more than half of the labels hold none of the 19 classes.
    """
    root = Path(root)
    labels = ending_in_digits(files_below(root / 'img' / 'class', '.png'))
    if not labels:
        raise MissingFile(f'{root} holds no img/class/N.png: give the folder Synscapes of its '
                          'archive (data/synscapes)')
    result = convert_files(labels, '.png', root, workers, progress)
    finish(result, result.statistics, root)
    return result


def convert_mapillary(root: PathLike, workers: int = 1,
                      progress: Optional[Progress] = None) -> Conversion:
    """Convert ``root/{training,validation}/labels/NAME.png``, or those in ``.../v1.2/labels``.

    The archive of v2.0 has the second layout. Its labels of v2.0 have other ids and are left alone.
    The class statistics, written into ``root``, count the training labels only.

    Raises:
        MissingFile: ``root`` is not laid out like Mapillary Vistas.
        DataError: more than half of the labels hold none of the 19 classes.
    """
    root = Path(root)
    labels = [path for split in ('training', 'validation') for folder in ('', 'v1.2')
              for path in files_below(root / split / folder / 'labels', '.png')
              if not path.name.endswith(CONVERTED)]
    if not labels:
        raise MissingFile(f'{root} holds no validation/labels/NAME.png and no validation/v1.2/'
                          'labels/NAME.png: give the folder that has Mapillary Vistas unpacked in '
                          'it (data/mapillary)')
    result = convert_files(labels, '.png', root, workers, progress, MAPILLARY)
    finish(result, {file: counts for file, counts in result.statistics.items()
                    if file.startswith('training/')}, root)
    return result


def convert_wilddash(root: PathLike, workers: int = 1,
                     progress: Optional[Progress] = None) -> Conversion:
    """Convert ``root/labels/NAME.png`` of WildDash2 and write the class statistics into ``root``.

    Its labels hold the ids of Cityscapes, and further ones, which are ignored.

    Raises:
        MissingFile: ``root`` is not laid out like WildDash2.
        DataError: more than half of the labels hold none of the 19 classes.
    """
    root = Path(root)
    labels = [path for path in files_below(root / 'labels', '.png')
              if not path.name.endswith(CONVERTED)]
    if not labels:
        raise MissingFile(f'{root} holds no labels/NAME.png: give the folder that has '
                          'wd_public_02.zip unpacked in it (data/wilddash)')
    result = convert_files(labels, '.png', root, workers, progress)
    finish(result, result.statistics, root)
    return result
