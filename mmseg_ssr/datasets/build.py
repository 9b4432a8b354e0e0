"""Data sets from configs. Missing data gives a clear message before the training starts."""
import contextlib
import copy
import inspect
import os
import re
from functools import partial
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from mmcv.fileio.file_client import HardDiskBackend
from mmcv.utils import print_log
from mmseg.datasets import CustomDataset
from mmseg.datasets.builder import DATASETS, PIPELINES
from mmseg.datasets.builder import build_dataset as build_with_mmseg
from mmseg.utils import get_root_logger
from torch.utils.data import Dataset

from ..domains.published import published_at
from ..errors import ConfigError, DataError, MissingFile, UserError, nearest
from ..labels.image_list import ImageList, label_by_replacement
from ..utils.folders import list_files
from ..utils.paths import check_file, is_folder, leads_out
from ..utils.replaced import replaced
from .joined import JoinedDataset
from .label_files import check_labels, find_labels
from .pipelines.checked_loading import check_loading, leaf_datasets

LISTED = HardDiskBackend.list_dir_or_file
LOADED = CustomDataset.load_annotations


def build_dataset(config: Union[dict, List[dict]], test_mode: bool = False,
                  need_labels: bool = True, skip_unlabeled: bool = False,
                  read_labels: bool = True):
    """Build an mmseg data set with checked loading, whose folders and label files exist.

    Args:
        config: a config for mmseg's ``build_dataset`` (also lists and wrappers), left unchanged.
        test_mode: as in mmseg: the pipeline does not load labels.
        need_labels: whether every image must have a label file (for training and evaluation).
        read_labels: whether labels are read at all. If not, they are not looked for.
        skip_unlabeled: leave images without a label out with a warning, as long as at least
            half of them have one.

    Raises:
        MissingFile: a folder, its images or labels are missing. The message says where they are
            published and which command makes the train labels.
        ConfigError: a type is unknown, a key is misspelled, or a value is wrong.
        DataError: a split file names files outside the data set's folders, or the system refuses
            to read a folder or file.
    """
    check_parts(config)
    config = _with_lists(config)
    for leaf in _leaf_configs(config):
        _check_type(leaf)
        _check_image_folder(leaf)
        split = os.path.join(leaf.get('data_root') or '', str(leaf.get('split') or ''))
        if leaf.get('split'):
            with contextlib.suppress(MissingFile):  # the data set says more
                check_file(split, 'split')
    try:
        with replaced(HardDiskBackend, list_dir_or_file=_list_once), \
                replaced(CustomDataset, load_annotations=_list_images):
            dataset = _build(copy.deepcopy(config), dict(test_mode=True) if test_mode else None)
    except UserError:
        raise
    except (TypeError, KeyError, ValueError, AttributeError, AssertionError,
            NotImplementedError) as error:
        raise ConfigError(_explain(config, error)) from error
    leaves = list(leaf_datasets(dataset))
    for leaf in leaves:
        if hasattr(leaf, 'img_infos'):
            _check_images(leaf)
            _check_names(leaf)
            if read_labels:
                find_labels(leaf)
            if need_labels:
                # a wrapper has counted the images already, so none can be removed from it
                check_labels(leaf, skip=skip_unlabeled and leaf is dataset)
    check_same_classes(leaves)
    check_loading(dataset)
    return dataset


def check_parts(config: Any, place: str = 'data set') -> None:
    """Check that a config is a dict, or a list of at least one, also inside ``ConcatDataset``.

    Args:
        place: key of the config, for the message.

    Raises:
        ConfigError: it is something else.
    """
    if isinstance(config, Mapping):
        if config.get('type') != 'ConcatDataset':
            return
        if 'datasets' not in config:
            raise ConfigError(f'{place}: ConcatDataset needs datasets=[...], a list of data sets')
        config, place = config['datasets'], f'{place}.datasets'
    if not isinstance(config, (list, tuple)):
        raise ConfigError(f'{place} must be a data set, dict(type=...), or a list of some, got '
                          f'{config!r}')
    if not config:
        raise ConfigError(f'{place} is an empty list: give one data set, dict(type=...), or more')
    for i, part in enumerate(config):
        check_parts(part, f'{place}.{i}')


def _build(config: Union[dict, List[dict]], options: Optional[Dict[str, bool]]) -> Dataset:
    if isinstance(config, list):
        return JoinedDataset([_build(part, options) for part in config])
    return build_with_mmseg(config, options)


def _list_once(disk: HardDiskBackend, dir_path: str, list_dir: bool = True, list_file: bool = True,
               suffix: Union[str, Tuple[str, ...], None] = None, recursive: bool = False
               ) -> Iterable[str]:
    """mmcv's list of files, which mmseg's data sets take, with each file once."""
    if list_dir or not recursive:
        return LISTED(disk, dir_path, list_dir, list_file, suffix, recursive)
    return [name for name in list_files(str(dir_path), hidden=True)
            if not os.path.basename(name).startswith('.') and name.endswith(suffix or '')]


def _list_images(dataset: CustomDataset, img_dir: str, img_suffix: str, ann_dir: Optional[str],
                 seg_map_suffix: str, split: Optional[str]) -> Sequence[dict]:
    """mmseg's list of images, in little memory unless a file lists them."""
    if split is not None:
        return LOADED(dataset, img_dir, img_suffix, ann_dir, seg_map_suffix, split)
    label_of = None if ann_dir is None else partial(
        label_by_replacement, suffix=img_suffix, seg_map_suffix=seg_map_suffix)
    images = ImageList(sorted(dataset.file_client.list_dir_or_file(
        dir_path=img_dir, list_dir=False, suffix=img_suffix, recursive=True)), label_of)
    print_log(f'Loaded {len(images)} images', logger=get_root_logger())
    return images


def check_same_classes(datasets: Iterable) -> None:
    """Check that joined data sets give train ids the same meaning.

    Raises:
        ConfigError: two data sets differ in their classes, or in the ignored id.
    """
    first, *others = datasets
    for other in others:
        pair = f'{_described(other)} is joined with {_described(first)}'
        classes = [list(getattr(dataset, 'CLASSES', None) or ()) for dataset in (other, first)]
        ignored = [getattr(dataset, 'ignore_index', None) for dataset in (other, first)]
        if classes[0] != classes[1]:
            raise ConfigError(f'{pair}, but has other classes: {classes[0]} and {classes[1]}')
        if ignored[0] != ignored[1]:
            raise ConfigError(f'{pair}, but has another ignore_index: {ignored[0]} and '
                              f'{ignored[1]}')


def _described(dataset) -> str:
    return f'{type(dataset).__name__} over {getattr(dataset, "img_dir", "its images")}'


def _with_lists(config: Union[dict, List[dict]]) -> Union[dict, List[dict]]:
    """Write each ``ConcatDataset`` as the list that mmseg builds its parts from."""
    if isinstance(config, (list, tuple)):
        return [_with_lists(part) for part in config]
    if config.get('type') == 'ConcatDataset' and 'datasets' in config:
        return _with_lists(config['datasets'])
    if 'dataset' in config:
        return {**config, 'dataset': _with_lists(config['dataset'])}
    return config


def _leaf_configs(config: Union[dict, List[dict]]) -> Iterator[dict]:
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _leaf_configs(part)
    elif 'dataset' in config:
        yield from _leaf_configs(config['dataset'])
    else:
        yield config


def _check_type(config: dict) -> None:
    name = config.get('type')
    if isinstance(name, str) and name not in DATASETS.module_dict:
        raise ConfigError(f'data set type {name!r} is not known'
                          f'{nearest(name, DATASETS.module_dict)}')


def _check_image_folder(config: dict) -> None:
    for path in missing_image_folders(config):
        raise MissingFile(f'image folder {path} of {config["type"]} is missing: put the data '
                          f'set there{published_at(config["type"])}')


def missing_image_folders(config: dict) -> Iterator[str]:
    """Yield the missing image folders of a data set's config.

    Raises:
        RefusedFile: the system does not tell whether one is there.
    """
    folders = config.get('img_dir')
    if folders is None or 'file_client_args' in config:  # not a folder of this machine
        return
    root = config.get('data_root') or ''
    kind = config['type']
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    has_images = getattr(kind, 'has_images', is_folder)  # for other folder layouts
    for folder in folders if isinstance(folders, (list, tuple)) else [folders]:
        path = os.path.join(root, folder)
        if not has_images(path):
            yield path


def _check_images(dataset) -> None:
    if len(dataset.img_infos) == 0:
        name = type(dataset).__name__
        suffixes = dataset.img_suffix
        suffixes = [suffixes] if isinstance(suffixes, str) else suffixes
        raise MissingFile(f'{dataset.img_dir} holds no image {", ".join(f"*{s}" for s in suffixes)}'
                          f' for {name}: put the data set there{published_at(name)}')


def _check_names(dataset) -> None:
    """Check that a split file names only files in the folders of the data set."""
    if getattr(dataset, 'split', None) is None:
        return
    for info in dataset.img_infos:
        if leads_out(info['filename']):
            raise DataError(f'{dataset.split} names {info["filename"]}, which is not inside '
                            f'{dataset.img_dir}: give names relative to that folder')


def _explain(config: Union[dict, List[dict]], error: Exception) -> str:
    """Turn the builder's error into one line, with the nearest valid name for a misspelled one."""
    text = ' '.join(str(error.args[0] if error.args else type(error).__name__).split())
    text = text.replace('.__init__()', '').replace('__init__() ', '')
    key = re.search(r"(\w+): \w* ?got an unexpected keyword argument '(\w+)'", text)
    step = re.search(r'(\w+) is not in the pipeline registry', text)
    if key:
        text = text.partition('. Did you mean ')[0]  # a guess of Python 3.13
        text += nearest(key[2], _argument_names(key[1]))
    elif step:
        text += nearest(step[1], PIPELINES.module_dict)
    elif (isinstance(error, NotImplementedError) and isinstance(config, Mapping)
          and isinstance(config.get('img_dir'), (list, tuple))):  # mmseg's, of Cityscapes
        text += ' Give a list of data sets with a folder each'
    name = config.get('type') if isinstance(config, Mapping) else 'list of data sets'
    return text if text.startswith(f'{name}: ') else f'{name}: {text}'


def _argument_names(name: str) -> List[str]:
    """Names of the arguments of a registered data set or pipeline step."""
    cls = DATASETS.get(name) or PIPELINES.get(name) or object
    return [argument for base in cls.__mro__ if '__init__' in vars(base) and base is not object
            for argument in inspect.signature(base.__init__).parameters]
