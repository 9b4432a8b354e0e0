"""Files with the frozen encoder's map of each whole training image."""
import os
from typing import Any, Callable, Dict, Mapping, Tuple

import numpy as np
import torch
from mmcv import Config
from torch.utils.data import Dataset

from .. import distributed
from ..datasets import build_dataset
from ..datasets.pipelines.checked_loading import leaf_datasets
from ..datasets.pipelines.encoder_maps import FOLDER, map_file
from ..errors import ConfigError, DataError
from ..regularizer import build_encoder
from ..utils.atomic_file import atomic_file, make_folder
from . import encoder_note
from .config.values import split_configs
from .encoder_note import encoder_of, loading_steps


def folders(cfg: Config) -> Dict[str, dict]:
    """Return each training set with ``encoder_maps``: its path in the config, and its config.

    Raises:
        ConfigError: two of them share a folder.
    """
    sets = {path: config for path, config in split_configs(cfg, 'train')
            if config.get(FOLDER) is not None}
    owners: Dict[str, str] = {}
    for path, config in sets.items():
        owner = owners.setdefault(os.path.realpath(config[FOLDER]), path)
        if owner != path:
            raise ConfigError(f'{owner}.{FOLDER} and {path}.{FOLDER} are both {config[FOLDER]}: '
                              'images of one name would share a map, give each a folder of its own')
    return sets


def make(cfg: Config, device: torch.device, told: Callable[[str], Any]) -> int:
    """Make the maps that do not exist yet.

    Args:
        cfg: config of a method with a frozen encoder, whose training sets have ``encoder_maps``.
        device: device of the encoder.
        told: called with a line of progress every 50 images, where maps are made.

    Returns:
        The number of new files.

    Raises:
        ConfigError: no training set has the key, or see :func:`check`.
        DataError: two images of a data set would share a map.
        MissingFile, CheckpointError: data or weights are missing, or do not fit.
    """
    sets = folders(cfg)
    if not sets:
        raise ConfigError(f'{cfg.filename}: no training set has {FOLDER}: give data.train.source '
                          f"and data.train.target {FOLDER}='FOLDER'")
    check(cfg, made=False)
    about = encoder_note.about_encoder(cfg)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of an encoder with random weights, a control
        encoder = build_encoder(encoder_of(cfg)).to(device)
    for path, config in sets.items():
        make_folder(config[FOLDER])
        encoder_note.write(path, config, about)
    return sum(_make_folder(path, config, encoder, device, told) for path, config in sets.items())


def _make_folder(path: str, config: Mapping[str, Any], encoder: torch.nn.Module,
                 device: torch.device, told: Callable[[str], Any]) -> int:
    """Make the maps that a data set lacks or whose image is newer, and return their number."""
    folder = config[FOLDER]
    dataset = build_dataset(_whole_images(path, config), test_mode=True, need_labels=False)
    missing = {file: place for file, (image, *place) in _images_of(dataset, folder).items()
               if not _is_newer(file, image)}
    for done, (file, (part, i)) in enumerate(missing.items(), 1):
        found = encoder(part[i]['img'][None].to(device))[0]
        make_folder(os.path.dirname(file))
        with atomic_file(file) as out:
            np.save(out, found.half().cpu().numpy())
        if done % 50 == 0 or done == len(missing):
            told(f'{folder}: {done} of {len(missing)} new maps')
    return len(missing)


def _images_of(dataset: Dataset, folder: str) -> Dict[str, Tuple[str, Dataset, int]]:
    """Return the image of each map: its path, the data set over files that has it, and its number.

    Raises:
        DataError: two images would share a map.
    """
    images: Dict[str, Tuple[str, Dataset, int]] = {}
    for part in leaf_datasets(dataset):
        for i, info in enumerate(part.img_infos):
            image = os.path.join(part.img_dir, info['filename'])
            file = map_file(folder, info['filename'])
            other = images.setdefault(file, (image, part, i))[0]
            if other != image:
                raise DataError(f'{other} and {image} would share the map {file}: rename one of '
                                'them, or make two data sets of them, with a folder of maps each')
    return images


def _is_newer(file: str, image: str) -> bool:
    """Return whether a file exists and is at least as new as an image."""
    return os.path.exists(file) and os.path.getmtime(file) >= os.path.getmtime(image)


def prepare(cfg: Config, device: torch.device, told: Callable[[str], Any]) -> None:
    """Give a training the maps that its data sets ask for: make those that are missing.

    Several processes do not share this work. They need the maps to be there.

    Args:
        device, told: as of :func:`make`.

    Raises:
        ConfigError, MissingFile, CheckpointError: see :func:`check` and :func:`make`.
    """
    alone = distributed.world_size() == 1
    check(cfg, made=not alone)
    if alone and folders(cfg):
        make(cfg, device, told)


def check(cfg: Config, made: bool = True) -> None:
    """Check that the maps of a training are of its encoder, as far as its weights are there.

    Args:
        made: whether the maps must be there.

    Raises:
        ConfigError: the maps are of another encoder, of an unknown one, of other images or of
            images that were loaded in another way, a data set of a domain whose maps are used has
            none, no encoder uses those of a domain, two data sets share a folder, or a pipeline
            does not give normalized images.
        MissingFile: a folder holds none.
    """
    sets = folders(cfg)
    if not sets:
        return
    about = encoder_note.about_encoder(cfg)
    domains = {path.split('.')[2] for path in sets}
    if cfg.uda.get('pseudo_label_encoder'):
        if 'source' in domains:
            raise ConfigError(f'data.train.source has {FOLDER}, but uda.pseudo_label_encoder sees '
                              'target images alone: remove the key from data.train.source')
    elif encoder_of(cfg).get('checkpoint', '') is None and cfg.uda.get('mixed_maps') != 'composed':
        raise ConfigError(f'{FOLDER} of a random encoder (checkpoint=None) need '
                          "uda.mixed_maps='composed': mixed images would have another encoder")
    elif len(domains) < 2:
        raise ConfigError(f'only data.train.{domains.pop()} has {FOLDER}: give both domains the '
                          'key, or none')
    for path, _ in split_configs(cfg, 'train'):
        if path.split('.')[2] in domains and path not in sets:
            raise ConfigError(f'{path} has no {FOLDER}, but {next(iter(sets))} has: give each data '
                              'set of a domain the key, or none')
    if cfg.data.train.get('sync_crop_size'):
        raise ConfigError(f'{FOLDER} cannot be cut by data.train.sync_crop_size: leave one of the '
                          'two out')
    for path, config in sets.items():
        encoder_note.check(path, config, about, new=not made)


def _whole_images(path: str, config: Mapping[str, Any]) -> dict:
    """Return the config of the data set at ``path`` that gives whole normalized images alone."""
    own = {key: value for key, value in config.items()
           if key not in (FOLDER, 'crop_pseudo_margins')}
    return dict(own, pipeline=[*loading_steps(path, config),
                               dict(type='ImageToTensor', keys=['img']),
                               dict(type='Collect', keys=['img'], meta_keys=[])])
