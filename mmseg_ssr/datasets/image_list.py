"""Which images and labels a data set has, from the files in its folders."""
import os
from typing import Dict, Iterable, List, Mapping, Optional, Sequence

from ..errors import DataError, MissingFile
from .label_files import relative_path


def list_images(img_dir: str, img_suffixes: Sequence[str], ann_dir: Optional[str],
                seg_map_suffix: str, split: Optional[str] = None) -> List[Dict]:
    """mmseg's ``img_infos``: for each image a dict of ``filename`` and ``ann``, sorted.

    Args:
        img_dir: gone through with all its folders; hidden files are left out.
        img_suffixes: endings of images, in any case of letters.
        ann_dir: folder of the labels, or None when there are none.
        seg_map_suffix: stands in a label's name in place of the image's suffix.
        split: text file with the images to take, one a line, relative to ``img_dir`` and without
            ending; None takes all.

    Raises:
        MissingFile: ``split``, or an image that it names.
        DataError: ``split`` is no text.
    """
    names = {}
    shared = ann_dir is not None and os.path.realpath(ann_dir) == os.path.realpath(img_dir)
    for file in list_files(img_dir):
        ending = _ending(file, img_suffixes)
        if ending and not (shared and file.endswith(seg_map_suffix)):
            names[file] = file[:-len(ending)]
    if split is not None:
        names = _chosen(names, split, img_dir)
    return [dict(filename=file) if ann_dir is None else
            dict(filename=file, ann=dict(seg_map=names[file] + seg_map_suffix))
            for file in sorted(names)]


def list_files(folder: str) -> List[str]:
    """Files below ``folder``, relative to it, with ``/``; hidden ones are left out."""
    files = []
    for path, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith('.')]
        files += [relative_path(os.path.join(path, name), folder)
                  for name in names if not name.startswith('.')]
    return files


def _ending(file: str, suffixes: Iterable[str]) -> str:
    """The longest of ``suffixes`` that ``file`` ends in, or an empty string."""
    fitting = [suffix for suffix in suffixes if file.lower().endswith(suffix.lower())]
    return max(fitting, key=len, default='')


def _chosen(names: Mapping[str, str], split: str, img_dir: str) -> Dict[str, str]:
    """Those files whose names without ending ``split`` lists."""
    try:
        with open(split, encoding='utf-8') as lines:
            wanted = {line.strip().replace('\\', '/') for line in lines} - {''}
    except FileNotFoundError as error:
        raise MissingFile(f'split {split}, which names the images of {img_dir}, is missing') \
            from error
    except UnicodeDecodeError as error:
        raise DataError(f'split {split} is no UTF-8 text: write it anew, the name of an image of '
                        f'{img_dir} on each line') from error
    chosen = {file: name for file, name in names.items() if name in wanted}
    absent = sorted(wanted - set(chosen.values()))
    if absent:
        raise MissingFile(f'{len(absent)} of {len(wanted)} images that {split} names are not in '
                          f'{img_dir} (first: {absent[0]}): names are relative to that folder and '
                          'without ending')
    return chosen
