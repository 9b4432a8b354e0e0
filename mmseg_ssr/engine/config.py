"""Reading a config file: our own, mmseg's, and those of DAFormer, HRDA, MIC and SSR."""
import difflib
import os
from typing import Any, Mapping, Optional

from mmcv import Config

from ..errors import ConfigError, MissingFile, one_line

FORMER_NAMES = {'UniHead': 'DAFormerHead', 'MultiResEncoderDecoder': 'HRDAEncoderDecoder',
                'MultiResAttentionWrapper': 'HRDAHead'}


def load_config(path: str, options: Optional[Mapping[str, Any]] = None) -> Config:
    """Read ``path`` and apply ``options`` (``{'uda.alpha': 0.99}``, the ``--cfg-options``).

    Raises:
        MissingFile: no such file.
        ConfigError: it, or a file it stands on, cannot be read or merged.
    """
    if not os.path.isfile(path):
        raise MissingFile(f'config file {path} is missing{_neighbour(path)}')
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config file is code: anything can go wrong in it
        while not str(error) and error.__context__:  # mmcv hides which module is missing
            error = error.__context__
        raise ConfigError(f'{path}: {type(error).__name__}: {one_line(error)}') from error
    try:
        cfg.merge_from_dict(dict(options or {}))
    except (KeyError, TypeError, AssertionError, IndexError) as error:
        raise ConfigError(f'--cfg-options do not fit {path}: {one_line(error)}') from error
    return _tidy(cfg)


def max_iterations(cfg: Config) -> int:
    """Length of the training, ``runner.max_iters`` (``total_iters`` in old configs).

    Raises:
        ConfigError: none given, or less than one.
    """
    iterations = (cfg.get('runner') or {}).get('max_iters', cfg.get('total_iters'))
    if not isinstance(iterations, int) or iterations < 1:
        raise ConfigError(f'{cfg.filename}: runner.max_iters must be an integer of at least 1, '
                          f'got {iterations}')
    return iterations


def experiment_name(cfg: Config) -> str:
    """``name`` of the config, else the file's name without suffix."""
    return cfg.get('name') or os.path.splitext(os.path.basename(cfg.filename))[0]


def _neighbour(path: str) -> str:
    """A hint at the file that was probably meant."""
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        return f': there is no folder {folder}'
    names = [name for name in os.listdir(folder) if name.endswith(('.py', '.json', '.yaml'))]
    close = difflib.get_close_matches(os.path.basename(path), names, n=1, cutoff=0.5)
    return f", did you mean '{os.path.join(folder, close[0])}'?" if close else ''


def _tidy(cfg: Config) -> Config:
    """Drop merge marks that mmcv leaves behind; give image scales read from JSON their tuples.

    The names that DAFormer and HRDA had before they were published, which are in the JSON files
    beside their checkpoints, become the ones they have now.
    """
    for key in list(cfg.keys()):
        cfg[key] = _tidy_value(cfg[key])
    model = cfg.get('model') or {}
    if 'ema_drop_path_rate' in (model.get('backbone') or {}):
        del model.backbone['ema_drop_path_rate']
    return cfg


def _tidy_value(value: Any) -> Any:
    if isinstance(value, dict):
        value.pop('_delete_', None)
        if value.get('type') == 'UniHead':
            value['decoder_params']['fusion_cfg'].pop('fusion', None)
        if value.get('type') in FORMER_NAMES:
            value['type'] = FORMER_NAMES[value['type']]
        for key, item in value.items():
            is_pair = key == 'img_scale' and isinstance(item, list) and len(item) == 2 and all(
                isinstance(side, int) for side in item)
            value[key] = tuple(item) if is_pair else _tidy_value(item)
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(_tidy_value(item) for item in value)
    return value
