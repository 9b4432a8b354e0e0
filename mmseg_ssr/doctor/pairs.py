"""Images paired with their labels, and files without a partner."""
import os
from typing import List, Optional, Tuple

from ..datasets.folder import IMAGE_SUFFIXES
from ..datasets.label_files import label_files
from ..domains.published import ORIGINS
from ..utils.folders import list_files
from ..utils.paths import is_folder
from .files import Examiner, Pair
from .finding import Finding, Stage


def pairs_of(dataset, examiner: Examiner) -> Tuple[List[Pair], List[Finding]]:
    """Pair the files of a built data set. Missing and outdated labels are findings.

    Without ``ann_dir`` the pairs have no labels, and no label is missing.
    """
    images = [os.path.join(dataset.img_dir, info['filename']) for info in dataset.img_infos]
    if dataset.ann_dir is None:
        return [Pair(image) for image in images], []
    if not is_folder(dataset.ann_dir, 'label folder'):
        return [Pair(image) for image in images], [Finding(
            Stage.FOLDERS, 'label folder is missing', dataset.ann_dir, 'no such folder',
            f'the labels of {dataset.img_dir}', examiner.fetch)]
    files = set(label_files(dataset))
    wanted = [info['ann']['seg_map'].replace('\\', '/') for info in dataset.img_infos]
    pairs, findings = [], []
    for image, label in zip(images, wanted):
        raw = _published(dataset, label, examiner, files)
        pairs.append(Pair(image, _path(dataset, label) if label in files else None,
                          None if label in files else raw))
        found = _missing(pairs[-1], _path(dataset, label), examiner) if label not in files \
            else _older(pairs[-1].label, raw, examiner)
        findings += [found] if found else []
    return pairs, findings


def other_endings(dataset) -> List[Finding]:
    """Find images that the data set skips because of another file ending."""
    suffixes = dataset.img_suffix
    suffixes = (suffixes, ) if isinstance(suffixes, str) else tuple(suffixes)
    others = sorted(file for file in list_files(dataset.img_dir)
                    if file.lower().endswith(IMAGE_SUFFIXES)
                    and not file.lower().endswith(tuple(map(str.lower, suffixes))))
    return [Finding(Stage.FOLDERS, 'image has another ending', os.path.join(dataset.img_dir, file),
                    'never read', f'images that end in {" or ".join(suffixes)}',
                    'save it in that format, or give img_suffix in the config', True)
            for file in others]


def labels_alone(dataset) -> List[Finding]:
    """Find labels without an image."""
    if dataset.ann_dir is None:
        return []
    wanted = {info['ann']['seg_map'].replace('\\', '/') for info in dataset.img_infos}
    alone = sorted(file for file in list_files(dataset.ann_dir)
                   if file.endswith(dataset.seg_map_suffix) and file not in wanted)
    return [Finding(Stage.FILES, 'label has no image', _path(dataset, file),
                    f'no image of that name in {dataset.img_dir}', 'an image for each label',
                    'unpack the images again, or delete the label', True) for file in alone]


def _path(dataset, label: str) -> str:
    return os.path.join(dataset.ann_dir, label)


def _published(dataset, label: str, examiner: Examiner, files: set) -> Optional[str]:
    """Path of the published label that a train label is made from, if the file exists."""
    if not examiner.convert:
        return None
    raw = ORIGINS[type(dataset).__name__].published_label(label, dataset)
    return _path(dataset, raw) if raw in files else None


def _missing(pair: Pair, label: str, examiner: Examiner) -> Finding:
    if pair.raw is not None:
        return Finding(Stage.CONVERSION, 'train label is not made yet', label, 'no such file',
                       'a train label for each published one', examiner.convert)
    then = f', then run: {examiner.convert}' if examiner.convert else ''
    return Finding(Stage.FILES, 'image has no label', pair.image, f'no {label}',
                   'a label for each image', f'{examiner.fetch}{then}')


def _older(label: str, raw: Optional[str], examiner: Examiner) -> Optional[Finding]:
    if raw is None or not (os.path.isfile(label) and os.path.isfile(raw)):
        return None  # the examiner tells what else they are
    if os.path.getmtime(label) >= os.path.getmtime(raw):
        return None
    return Finding(Stage.CONVERSION, 'train label is older than the published one', label,
                   f'older than {raw}', 'a train label made of the label as it is now',
                   examiner.convert, True)
