"""Lists of a data set's images and labels, from the files in its folders."""
import os
from typing import Dict, Iterable, List, Mapping, Optional, Sequence

from ..errors import DataError, MissingFile
from ..utils.folders import list_files
from ..utils.paths import leads_out, read_text
from .files import relative_path


def list_images(img_dir: str, img_suffixes: Sequence[str], ann_dir: Optional[str],
                seg_map_suffix: str, split: Optional[str] = None,
                folders: Sequence[str] = ()) -> List[Dict]:
    """List mmseg's ``img_infos``: for each image a dict of ``filename`` and ``ann``, sorted.

    Args:
        img_dir: folder of the images, searched with all its subfolders, each of them once.
            Hidden files and files below ``ann_dir`` are left out.
        img_suffixes: endings of images, in lower or upper case.
        ann_dir: folder of the labels, or None without labels.
        seg_map_suffix: ending of a label's name, which replaces the image's suffix.
        split: text file with the images to use, one in a line, relative to ``img_dir`` and
            without ending. None uses all.
        folders: the subfolders of ``img_dir`` to use, by default all.

    Raises:
        MissingFile: ``split`` or an image in it is missing.
        DataError: ``split`` is no text, or images and labels cannot be told apart or paired.
    """
    files = list_files(img_dir)
    if ann_dir is not None:
        files = _without_labels(files, img_dir, ann_dir, seg_map_suffix)
    names = {file: file[:-len(ending)] for file in files
             if (ending := _ending(file, img_suffixes))}
    if split is not None:
        names = _chosen(names, split, img_dir, img_suffixes)
    if folders:
        names = {file: name for file, name in names.items()
                 if file.startswith(tuple(f'{folder}/' for folder in folders))}
    if ann_dir is not None:
        _check_pairs(names, img_dir)
    return [dict(filename=file) if ann_dir is None else
            dict(filename=file, ann=dict(seg_map=names[file] + seg_map_suffix))
            for file in sorted(names)]


def _without_labels(files: Sequence[str], img_dir: str, ann_dir: str,
                    seg_map_suffix: str) -> List[str]:
    """Drop labels from the files, if the labels are in the same folder or in one inside it."""
    place = relative_path(os.path.realpath(ann_dir), os.path.realpath(img_dir))
    if leads_out(place):
        return list(files)
    if place != '.':
        return [file for file in files if not file.startswith(f'{place}/')]
    images = [file for file in files if not file.lower().endswith(seg_map_suffix.lower())]
    if files and not images:
        raise DataError(f'all files in {img_dir}, which is the folder of images and of labels, '
                        f'end in {seg_map_suffix!r} and would be labels: give seg_map_suffix the '
                        'longer ending that labels alone have, or put them into another folder')
    return images


def _check_pairs(names: Mapping[str, str], img_dir: str) -> None:
    by_name: Dict[str, str] = {}
    for file, name in sorted(names.items()):
        if name in by_name:
            raise DataError(f'{by_name[name]} and {file} in {img_dir} would share one label: take '
                            'one of them away, or give the ending that counts (img_suffix)')
        by_name[name] = file


def _ending(file: str, suffixes: Iterable[str]) -> str:
    """The longest of ``suffixes`` that ``file`` ends in, or an empty string."""
    fitting = [suffix for suffix in suffixes if file.lower().endswith(suffix.lower())]
    return max(fitting, key=len, default='')


def _chosen(names: Mapping[str, str], split: str, img_dir: str,
            suffixes: Sequence[str]) -> Dict[str, str]:
    """The files whose names without ending ``split`` lists."""
    try:
        lines = read_text(split, 'split').splitlines()
        wanted = {line.strip().replace('\\', '/') for line in lines} - {''}
    except MissingFile as error:
        raise MissingFile(f'split {split}, which names the images of {img_dir}, is missing'
                          ) from error
    except UnicodeDecodeError as error:
        raise DataError(f'split {split} is no UTF-8 text: write it anew, the name of an image of '
                        f'{img_dir} on each line') from error
    chosen = {file: name for file, name in names.items() if name in wanted}
    for name in wanted - set(chosen.values()):  # by a path with a link, which is not listed
        chosen.update({name + suffix: name for suffix in suffixes if not leads_out(name)
                       and os.path.isfile(os.path.join(img_dir, name + suffix))})
    absent = sorted(wanted - set(chosen.values()))
    if absent:
        raise MissingFile(f'{len(absent)} of {len(wanted)} images that {split} names are not in '
                          f'{img_dir} (first: {absent[0]}): names are relative to that folder and '
                          'without ending')
    return chosen
