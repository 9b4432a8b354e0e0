"""Files of weights that a config names, looked for before the long work starts."""
import os
from typing import Any, Iterator, Tuple

from mmcv import Config

from ..errors import MissingFile
from ..uda.methods import SAM_CHECKPOINTS
from ..weights import PUBLISHED

FILE_KEYS = ('pretrained', 'checkpoint', 'sam_checkpoint')


def check_weight_files(cfg: Config) -> None:
    """Every weights file named in ``model`` and ``uda`` is there.

    Raises:
        MissingFile: which one, which key names it, and where it is published.
    """
    uda = cfg.get('uda') or {}
    files = [*_weight_files(cfg.model, 'model'), *_weight_files(uda, 'uda')]
    if uda.get('sam_model_registry') in SAM_CHECKPOINTS and not uda.get('sam_checkpoint'):
        files.append(('uda.sam_model_registry', SAM_CHECKPOINTS[uda['sam_model_registry']]))
    for path, file in files:
        if not os.path.isfile(file):
            source = PUBLISHED.get(os.path.basename(file))
            raise MissingFile(
                f'weights file {file} ({path} in {cfg.filename}) is missing: put it there'
                + (f', it is published at {source}' if source else ''))


def _weight_files(value: Any, path: str) -> Iterator[Tuple[str, str]]:
    """(path of the key, file) of each local weights file in a part of a config."""
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _weight_files(item, f'{path}.{i}')
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in FILE_KEYS and isinstance(item, str) and '://' not in item:
                yield f'{path}.{key}', item
            else:
                yield from _weight_files(item, f'{path}.{key}')
