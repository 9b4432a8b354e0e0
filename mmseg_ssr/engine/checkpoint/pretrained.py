"""Weights files that a config names. They are checked before the long work starts."""
from typing import Any, Dict, Iterable, Iterator, List, Tuple

import torch
from mmcv import Config
from mmcv.runner import checkpoint as mmcv_checkpoint
from torch import Tensor, nn

from ...errors import CheckpointError, ConfigError, MissingFile
from ...regularizer.sam_encoder import SHIPPED
from ...uda.losses.regularization_keys import SAM_CHECKPOINTS
from ...utils.paths import check_file
from ...weights import FOLDER, check_values, find_published, how_to_get, read_weights
from ...weights.safetensors_file import is_safetensors

FILE_KEYS = ('pretrained', 'checkpoint', 'sam_checkpoint', 'checkpoint_path')
#: Marks of an address that mmcv or timm would fetch.
ADDRESSES = ('://', 'hf-hub:', 'hf_hub:')
#: Keys of a data set that name files or folders.
DATA_KEYS = ('data_root', 'img_dir', 'ann_dir', 'split', 'classes')
#: mmcv's scheme for published weights -> its function that gives their addresses.
TABLES = {'open-mmlab': 'get_external_models', 'openmmlab': 'get_external_models',
          'mmcls': 'get_mmcls_models', 'torchvision': 'get_torchvision_models',
          'modelzoo': 'get_torchvision_models'}


def check_weight_files(cfg: Config) -> None:
    """Check that every weights file of ``model`` and ``uda`` exists, and that no key downloads one.

    Raises:
        MissingFile: a file is missing. The message names its key and how to get it.
        ConfigError: a key asks for a download.
    """
    refuse_downloads(cfg)
    for path, file in needed_weight_files(cfg):
        try:
            check_file(file, 'weights file')
        except MissingFile as error:
            raise MissingFile(f'weights file {file} ({path} in {cfg.filename}) is missing: '
                              f'{how_to_get(file)}') from error


def named_weight_files(cfg: Config) -> List[Tuple[str, str]]:
    """Return (path of the key, file) of each weights file that ``model`` and ``uda`` name."""
    return [*_weight_files(cfg.model, 'model'), *_weight_files(cfg.get('uda') or {}, 'uda')]


def needed_weight_files(cfg: Config) -> List[Tuple[str, str]]:
    """Return (path of the key, file) of each named weights file and of SAM's default file."""
    uda = cfg.get('uda') or {}
    files = named_weight_files(cfg)
    if uda.get('sam_model_registry') in SAM_CHECKPOINTS and not uda.get('sam_checkpoint'):
        files.append(('uda.sam_model_registry', SAM_CHECKPOINTS[uda['sam_model_registry']]))
    return files


def weight_files_of(configs: Iterable[Config]) -> Dict[str, str]:
    """Return each file that configs need or start from, with the first key that names it."""
    files: Dict[str, str] = {}
    for cfg in configs:
        keys = needed_weight_files(cfg)
        keys += [('load_from', cfg.load_from)] if cfg.get('load_from') else []
        for key, file in keys:
            files.setdefault(file, f'{key} in {cfg.filename}')
    return files


def refuse_downloads(cfg: Config) -> None:
    """Check that nothing in a config makes mmcv, mmseg or timm fetch a file.

    Raises:
        ConfigError: some keys would. The message names them and says what to do instead.
    """
    leaves = [leaf for part in ('model', 'uda') for leaf in _leaves(cfg.get(part), part)]
    leaves += [(path, value) for path, value in _leaves(cfg.get('data'), 'data')
               if path.split('.')[-1] in DATA_KEYS]
    leaves += [(key, cfg.get(key)) for key in ('load_from', 'resume_from')]
    problems = [f'{cfg.filename}: {line}' for path, value in leaves
                for line in _download(path, value)]
    if problems:
        raise ConfigError(*problems)


def initialize(model: nn.Module) -> None:
    """Call ``model.init_weights()``, and check the files that mmcv reads in it.

    mmcv may run code in a file. It takes the weights that fit by name and is silent about the
    rest, even if none fits.

    Raises:
        MissingFile: a weights file is missing.
        CheckpointError: a weights file cannot be read, none of its weights has arrived, or they
            are no valid numbers. All errors also come from files that the networks of this package
            read themselves.
    """
    readers = [module for module in model.modules() if _starts_from_file(module)]
    files = {module.init_cfg['checkpoint'] for module in readers}
    weights = {file: _read_for_mmcv(file) for file in files}
    model.init_weights()
    for module in readers:
        file = module.init_cfg['checkpoint']
        if not _share_values(weights[file].values(), module.state_dict().values()):
            raise CheckpointError(f'none of the weights in {file} fits the '
                                  f'{type(module).__name__} that starts from them: it is a file '
                                  'of another network')
        check_values(module.state_dict(), module.state_dict(), file)


def _read_for_mmcv(file: str) -> Dict[str, Tensor]:
    weights = read_weights(file)
    if is_safetensors(file):
        raise CheckpointError(f'{file} is a file of safetensors, which mmcv does not read for this '
                              'network: give a file of torch (.pth)')
    return weights


def _starts_from_file(module: nn.Module) -> bool:
    init_cfg = getattr(module, 'init_cfg', None)  # a list if layers start in different ways
    return isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained'


def _share_values(some: Iterable[Any], others: Iterable[Tensor]) -> bool:
    """Whether a tensor is in both, under any name."""
    by_shape: Dict[torch.Size, List[Tensor]] = {}
    for value in others:
        by_shape.setdefault(value.shape, []).append(value)
    return any(torch.equal(value, other) for value in some if _says_much(value)
               for other in by_shape.get(value.shape, []))


def _says_much(value: Any) -> bool:
    """Whether a value is no constant. Any two networks may share constants."""
    return (isinstance(value, Tensor) and value.is_floating_point() and value.numel() > 1
            and bool((value != value.flatten()[0]).any()))


def _download(path: str, value: Any) -> Iterator[str]:
    """Yield advice if a value asks for a download."""
    if value is True and path.endswith('.pretrained'):
        yield (f'{path} = True would download weights, a training does not do that: fetch the '
               'file and give its path')
    if isinstance(value, str) and any(mark in value for mark in ADDRESSES):
        scheme, _, name = value.partition('://')
        address = value
        if scheme in TABLES:
            address = getattr(mmcv_checkpoint, TABLES[scheme])().get(name, value)
        one = find_published(address)
        yield (f'{path} = {value!r} would be downloaded, a training does not do that: ' + (
            f"`mmseg-ssr weights {one.name}` fetches it, then give '{FOLDER}/{one.file}'"
            if one and one.owns(address) else f'fetch {address} and give the path of the file'))


def _weight_files(value: Any, path: str) -> Iterator[Tuple[str, str]]:
    """Return (path of the key, file) of each weights file in a part of a config."""
    return ((key, item) for key, item in _leaves(value, path)
            if key.split('.')[-1] in FILE_KEYS and isinstance(item, str) and item != SHIPPED)


def _leaves(value: Any, path: str) -> Iterator[Tuple[str, Any]]:
    """Yield (path of the key, value) of everything in a part of a config that is no container."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f'{path}.{key}')
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _leaves(item, f'{path}.{i}')
    else:
        yield path, value
