"""Lists of a data set's images and labels, from the files in its folders."""
import os
from collections.abc import Sequence as SequenceBase
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Union

from ..errors import DataError, MissingFile
from ..utils.folders import list_files
from ..utils.paths import leads_out, read_text
from .files import relative_path


class ImageList(SequenceBase):
    """mmseg's ``img_infos`` of many images, as dicts that are made when they are asked for.

    A million dicts take five times the memory of the names. Each process that loads images would
    copy them, too. A change of a dict changes nothing here.

    Args:
        files: name of each image.
        label_of: gives the name of the label of an image; picklable. None without labels.
    """

    def __init__(self, files: Sequence[str], label_of: Optional[Callable[[str], str]] = None):
        self.files, self.label_of = files, label_of

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: Union[int, slice]) -> Any:
        if isinstance(index, slice):
            return [self._info(file) for file in self.files[index]]
        return self._info(self.files[index])

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return map(self._info, self.files)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, SequenceBase) and list(self) == list(other)

    def _info(self, file: str) -> Dict[str, Any]:
        if self.label_of is None:
            return dict(filename=file)
        return dict(filename=file, ann=dict(seg_map=self.label_of(file)))


def list_images(img_dir: str, img_suffixes: Sequence[str], ann_dir: Optional[str],
                seg_map_suffix: str, split: Optional[str] = None,
                folders: Sequence[str] = ()) -> ImageList:
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
    lowered = tuple(suffix.lower() for suffix in img_suffixes)
    files = [file for file in files if file.lower().endswith(lowered)]
    if split is not None:
        files = _chosen(files, split, img_dir, img_suffixes)
    if folders:
        starts = tuple(f'{folder}/' for folder in folders)
        files = [file for file in files if file.startswith(starts)]
    files.sort()
    if ann_dir is None:
        return ImageList(files)
    _check_pairs(files, img_dir, img_suffixes)
    return ImageList(files, partial(label_by_ending, suffixes=tuple(img_suffixes),
                                    seg_map_suffix=seg_map_suffix))


def label_by_ending(file: str, suffixes: Sequence[str], seg_map_suffix: str) -> str:
    """Return the name of an image's label, whose ending replaces that of the image."""
    return _without_ending(file, suffixes) + seg_map_suffix


def label_by_replacement(file: str, suffix: str, seg_map_suffix: str) -> str:
    """Return the name of an image's label as mmseg's data sets make it."""
    return file.replace(suffix, seg_map_suffix)


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


def _check_pairs(files: Sequence[str], img_dir: str, suffixes: Sequence[str]) -> None:
    """Check that no two images, which are sorted, would share a label."""
    if len({file[-len(_ending(file, suffixes)):] for file in files}) <= 1:
        return
    by_name: Dict[str, str] = {}
    for file in files:
        name = _without_ending(file, suffixes)
        if name in by_name:
            raise DataError(f'{by_name[name]} and {file} in {img_dir} would share one label: take '
                            'one of them away, or give the ending that counts (img_suffix)')
        by_name[name] = file


def _ending(file: str, suffixes: Sequence[str]) -> str:
    """The longest of ``suffixes`` that ``file`` ends in. It ends in one of them."""
    if len(suffixes) == 1:
        return suffixes[0]
    lowered = file.lower()
    return max((suffix for suffix in suffixes if lowered.endswith(suffix.lower())), key=len)


def _without_ending(file: str, suffixes: Sequence[str]) -> str:
    return file[:-len(_ending(file, suffixes))]


def _chosen(files: Sequence[str], split: str, img_dir: str, suffixes: Sequence[str]) -> List[str]:
    """The files whose names without ending ``split`` lists."""
    names = {file: _without_ending(file, suffixes) for file in files}
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
    return list(chosen)
