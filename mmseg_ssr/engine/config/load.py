"""Reading of config files: our own, mmseg's, and those of DAFormer, HRDA, MIC and SSR."""
import argparse
import contextlib
import difflib
import os
import re
import sys
import traceback
from copy import deepcopy
from typing import Any, List, Mapping, Match, Optional, Sequence

from mmcv import Config, DictAction

from ...errors import (
    NO_ROOM,
    WRONG_VALUE,
    ConfigError,
    MissingFile,
    UserError,
    explained,
    nearest,
    said,
    unreadable,
    unwritable,
)
from ...utils.paths import check_file, config_path
from ...utils.replaced import replaced
from .keys import TOP_LEVEL

FORMER_NAMES = {'UniHead': 'DAFormerHead', 'MultiResEncoderDecoder': 'HRDAEncoderDecoder',
                'MultiResAttentionWrapper': 'HRDAHead'}


def load_config(path: str, options: Optional[Mapping[str, Any]] = None) -> Config:
    """Read the config file ``path`` and apply ``options``.

    Args:
        path: path of the file. One that begins with ``configs/`` and is not there is looked up
            among the project's own configs, which are installed with the package.
        options: path of a key -> its new value, as ``{'uda.alpha': 0.99}`` (``--cfg-options``).

    Raises:
        MissingFile: there is no such file.
        ConfigError: the file or one of its bases cannot be read, or an option does not fit.
    """
    if not path:
        raise MissingFile('no config file is given: its argument is empty')
    path = config_path(path)
    try:
        check_file(path, 'config file')
    except MissingFile as error:
        raise MissingFile(f'config file {path} is missing{_neighbor(path)}') from error
    search_path = list(sys.path)
    reader = _Reader()
    try:
        with replaced(Config, _substitute_predefined_vars=staticmethod(_copy_filled_in),
                      _file2dict=staticmethod(reader)):
            cfg = Config.fromfile(path)
    except UserError as error:
        _forget_reading(error, search_path)
        raise
    except (Exception, SystemExit) as error:  # a config file is code: anything can go wrong in it
        _forget_reading(error, search_path)
        if isinstance(error, OSError) and error.errno in NO_ROOM:  # mmcv reads a copy of it
            raise unwritable(f'a copy of {path} in the folder of TMPDIR', error) from error
        if isinstance(error, OSError) and error.errno and error.filename in reader.files:
            raise unreadable(error.filename, 'config file', error) from error
        while not str(error) and error.__context__:  # mmcv hides which module is missing
            error = error.__context__
        hint = ('; the folder of a module of your own has to be in PYTHONPATH'
                if isinstance(error, ImportError) else '')
        raise ConfigError(f'{path} cannot be read: {type(error).__name__}: '
                          f'{said(error)}{hint}') from error
    for option in options or {}:
        _check_option(option, cfg)
    try:
        cfg.merge_from_dict(deepcopy(dict(options or {})))  # mmcv removes _delete_ from them
    except WRONG_VALUE as error:
        raise ConfigError(f'--cfg-options do not fit {path}: {said(error)}') from error
    return tidy(cfg)


class _Reader:
    """mmcv's reading of a config file and its bases, each of which must be a file, and not a loop.

    Attributes:
        files: the files that are being read: each is a base of the one before.
    """

    def __init__(self) -> None:
        self.files: List[str] = []
        self._read = Config._file2dict

    def __call__(self, path: str, *args: Any, **options: Any) -> Any:
        path = os.path.abspath(os.path.expanduser(path))
        with explained(self._named_by):
            check_file(path, 'config file')
        if path in self.files:
            loop = ' -> '.join([*self.files[self.files.index(path):], path])
            raise ConfigError(f'_base_ leads a config back to itself ({loop}): remove one of them '
                              'from the _base_ of the file before it')
        self.files.append(path)
        found = self._read(path, *args, **options)
        self.files.pop()
        return found

    def _named_by(self, error: Exception) -> Optional[UserError]:
        if not self.files or not isinstance(error, UserError):
            return None
        return error.reworded(lambda line: f'{line}, which is in the _base_ of {self.files[-1]}')


def _copy_filled_in(path: str, copy: str) -> None:
    """Copy a config file with ``{{ fileDirname }}`` and its like filled in, as mmcv does.

    The marks stand inside of strings. mmcv fills in quotes and backslashes as they are, which end
    a string or change it. They become escapes, which Python and JSON read alike.
    """
    name, ending = os.path.splitext(os.path.basename(path))
    values = dict(fileDirname=os.path.dirname(path), fileBasename=name + ending,
                  fileBasenameNoExtension=name, fileExtname=ending)

    def value(mark: Match[str]) -> str:
        text = values[mark[1]].replace(os.sep, '/')
        return re.sub(r'[\'"\\\n{}]', lambda sign: f'\\u{ord(sign[0]):04x}', text)

    with open(path, encoding='utf-8') as file:
        text = re.sub(rf'\{{\{{\s*({"|".join(values)})\s*\}}\}}', value, file.read())
    with open(copy, 'w', encoding='utf-8') as file:
        file.write(text)


def _check_option(option: str, cfg: Config) -> None:
    """Check that an option sets a key that is read, and not a variable that is used up already.

    Raises:
        ConfigError: the option would change nothing.
    """
    section = option.split('.')[0]
    if section in TOP_LEVEL:
        return
    if section in cfg:
        raise ConfigError(f'--cfg-options {option} would change nothing: {section} is a variable '
                          f'of {cfg.filename}, set the keys that are made of it')
    inside = [f'{key}.{option}' for key in ('uda', 'data', 'model', 'runner', 'optimizer')
              if isinstance(cfg.get(key), dict) and section in cfg[key]]
    hint = f", did you mean '{inside[0]}'?" if inside else nearest(section, TOP_LEVEL)
    raise ConfigError(f'--cfg-options {option}: unknown key {section}{hint}')


class Options(DictAction):
    """Parser of the argument ``--cfg-options KEY=VALUE ...``. A malformed one ends the command."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: Sequence[str], option_string: Optional[str] = None) -> None:
        for option in values:
            key, equals, value = option.partition('=')
            if not equals or not all(key.split('.')):
                parser.error(f'{option_string}: expected KEY=VALUE, as uda.alpha=0.99, got '
                             f'{option!r}')
            try:
                self._parse_iterable(value)
            except AssertionError:
                parser.error(f'{option_string}: brackets are not closed in {option!r}')
        super().__call__(parser, namespace, values, option_string)

    @staticmethod
    def _parse_iterable(value: str) -> Any:
        """Parse a value as mmcv does, but keep the blanks inside of a text, such as a path."""
        text = value.strip('\'" ')
        return text if ' ' in text and ',' not in text and text[0] not in '([' else (
            DictAction._parse_iterable(value))


def _neighbor(path: str) -> str:
    """Return a hint at the file that was probably meant, or an empty string."""
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        return f': there is no folder {folder}'
    names = [name for name in os.listdir(folder) if name.endswith(('.py', '.json', '.yaml'))]
    close = difflib.get_close_matches(os.path.basename(path), names, n=1, cutoff=0.5)
    return f", did you mean '{os.path.join(folder, close[0])}'?" if close else ''


def _forget_reading(error: BaseException, search_path: List[str]) -> None:
    """Undo the traces of a failed read: mmcv's folder on Python's path and its copy of the file.

    The folder of the copy is gone. So the copy would complain on standard error when Python
    collects it.
    """
    sys.path[:] = search_path
    for frame, _ in traceback.walk_tb(error.__traceback__):
        copy = frame.f_locals.get('temp_config_file')
        if copy is not None:
            with contextlib.suppress(OSError):
                copy.close()


def tidy(cfg: Config) -> Config:
    """Drop mmcv's merge marks, turn image scales from JSON into tuples, and update old names.

    The JSON files beside the checkpoints of DAFormer and HRDA use names from before their
    publication. These become the published names.
    """
    for key in list(cfg.keys()):
        cfg[key] = _tidy_value(cfg[key])
    model = cfg.get('model') or {}
    backbone = model.get('backbone') if isinstance(model, dict) else None
    if isinstance(backbone, dict):
        backbone.pop('ema_drop_path_rate', None)
    return cfg


def _tidy_value(value: Any) -> Any:
    if isinstance(value, dict):
        value.pop('_delete_', None)
        if value.get('type') == 'UniHead':
            fusion = (value.get('decoder_params') or {}).get('fusion_cfg')
            if isinstance(fusion, dict):
                fusion.pop('fusion', None)
        if isinstance(value.get('type'), str):
            value['type'] = FORMER_NAMES.get(value['type'], value['type'])
        for key, item in value.items():
            is_pair = key == 'img_scale' and isinstance(item, list) and len(item) == 2 and all(
                isinstance(side, int) for side in item)
            value[key] = tuple(item) if is_pair else _tidy_value(item)
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(_tidy_value(item) for item in value)
    return value
