"""Label files of mmseg's data sets: which there are, and which are missing."""
import os
from typing import Dict, Iterator, List, Mapping

from mmseg.utils import get_root_logger

from ..domains.published import ORIGINS, published_at
from ..errors import ConfigError, MissingFile
from ..utils.folders import entries_of
from ..utils.paths import check_file, is_folder


def label_files(dataset) -> Dict[str, bool]:
    """The files in the folders that hold the labels of a data set: is each a regular one?

    They are relative to ``ann_dir``. Links are followed.

    Raises:
        RefusedFile: a folder cannot be read.
    """
    present = {}
    for place in {os.path.dirname(label['seg_map'].replace('\\', '/'))
                  for label in _labels(dataset)}:
        folder = os.path.join(dataset.ann_dir, place)
        for entry in entries_of(folder) if is_folder(folder, 'label folder') else ():
            present[f'{place}/{entry.name}' if place else entry.name] = (
                entry.is_file(follow_symlinks=False) or os.path.isfile(entry.path))
    return present


def find_labels(dataset) -> None:
    """Let images have the labels whose endings are written in another case, as ``.PNG``."""
    ending = getattr(dataset, 'seg_map_suffix', None)
    if dataset.ann_dir is None or not _on_disk(dataset) or not ending:
        return

    def lowered(name: str) -> str:
        return name[:-len(ending)] + name[-len(ending):].lower()

    present = label_files(dataset)
    names = [label['seg_map'] for label in _labels(dataset)]
    absent = [name for name in names if name.replace('\\', '/') not in present]
    others = {lowered(name): name for name in present} if absent else {}
    renamed = {name: others[key] for name in absent
               if (key := lowered(name.replace('\\', '/'))) in others}
    if renamed:
        dataset.img_infos = [
            {**info, 'ann': {**ann, 'seg_map': renamed.get(ann['seg_map'], ann['seg_map'])}}
            if 'seg_map' in (ann := info.get('ann', {})) else info for info in dataset.img_infos]


def check_labels(dataset, skip: bool) -> None:
    """Check that every image of a data set has a label file.

    Args:
        skip: leave images without a label out with a warning, as long as at least half of them
            have one.

    Raises:
        ConfigError: the data set has no folder of labels.
        MissingFile: labels are missing. The message says where they are published and which
            command makes them.
    """
    if dataset.ann_dir is None:
        raise ConfigError(f'{type(dataset).__name__} over {dataset.img_dir} needs labels, but its '
                          'config has no ann_dir')
    if not _on_disk(dataset):
        return
    present = label_files(dataset)
    missing = [info for info in dataset.img_infos
               if info['ann']['seg_map'].replace('\\', '/') not in present]
    for info in dataset.img_infos:
        if not present.get(info['ann']['seg_map'].replace('\\', '/'), True):
            check_file(os.path.join(dataset.ann_dir, info['ann']['seg_map']), 'label')
    if not missing:
        return
    if skip and 2 * len(missing) <= len(dataset.img_infos):
        get_root_logger().warning(
            f'{len(missing)} of {len(dataset.img_infos)} images in {dataset.img_dir} have no '
            f'label in {dataset.ann_dir} and are left out (first: {missing[0]["filename"]})')
        gone = {info['filename'] for info in missing}
        dataset.img_infos = [i for i in dataset.img_infos if i['filename'] not in gone]
        return
    raise MissingFile(_missing_labels(dataset, [i['ann']['seg_map'] for i in missing], present))


def _missing_labels(dataset, missing: List[str], present: Mapping[str, bool]) -> str:
    name = type(dataset).__name__
    origin = ORIGINS.get(name)
    text = (f'{len(missing)} of {len(dataset.img_infos)} labels *{dataset.seg_map_suffix} of '
            f'{name} are missing in {dataset.ann_dir} (first: {missing[0]}): ')
    if origin is None:
        return f'{text}put them there, or give another ann_dir'
    if origin.converter is None:
        return f'{text}put the data set there{published_at(name)}'
    raw = origin.published_label(missing[0], dataset)
    make = origin.command(dataset)
    if raw.replace('\\', '/') in present:
        return f'{text}make them with: {make}'
    return f'{text}put the data set there{published_at(name)}, then run: {make}'


def _labels(dataset) -> Iterator[dict]:
    return (info['ann'] for info in dataset.img_infos if 'seg_map' in info.get('ann', {}))


def _on_disk(dataset) -> bool:
    return getattr(dataset, 'file_client_args', dict(backend='disk')) == dict(backend='disk')
