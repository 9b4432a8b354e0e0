"""What libraries raise over a wrong value of a config, said as a fault of the config.

The traceback is not lost: it is the cause of the error, which a command shows when the environment
variable ``MMSEG_SSR_TRACEBACK`` is set (:func:`~mmseg_ssr.errors.cli`).
"""
import contextlib
import traceback
from typing import Callable, Iterator

from mmcv import Config

from ... import distributed
from ...errors import WRONG_VALUE, ConfigError, UserError, one_line, said
from ..logging.run_log import RunLog


@contextlib.contextmanager
def explained(cfg: Config, path: str, doing: str = 'cannot be built') -> Iterator[None]:
    """Errors inside become one line with the file and the key ``path``.

    Raises:
        ConfigError: of what Python and the libraries raise over a wrong value.
        UserError: of the same class as one that is raised inside, with file and key added.
    """
    try:
        yield
    except UserError as error:
        raise type(error)(f'{one_line(error)} ({path} in {cfg.filename})') from error
    except WRONG_VALUE as error:
        raise ConfigError(f'{cfg.filename}: {path} {doing}: {said(error)}') from error


@contextlib.contextmanager
def explained_start(cfg: Config, log: RunLog, has_worked: Callable[[], bool]) -> Iterator[None]:
    """A training that fails before its first iteration is done has a config that does not fit.

    Once it has worked, an error is left as it is: it is a fault of the machine or of the program.
    The traceback is written to the log file.

    Raises:
        ConfigError: sizes, channels, values that the networks cannot do with.
    """
    try:
        yield
    except UserError:
        raise
    except WRONG_VALUE as error:
        if has_worked():
            raise
        if distributed.rank() == 0:
            with open(log.path, 'a', encoding='utf-8') as file:
                traceback.print_exc(file=file)
        raise ConfigError(f'{cfg.filename}: the first iteration fails, do the sizes in model and '
                          f'data fit together? {said(error)} (traceback in {log.path})') from error
