"""What libraries raise over a wrong value of a config, said as a fault of the config.

The traceback is not lost: it is the cause of the error, which a command shows when the environment
variable ``MMSEG_SSR_TRACEBACK`` is set (:func:`~mmseg_ssr.errors.cli`).
"""
from typing import Optional

from mmcv import Config

from ...errors import ConfigError, Meaning, UserError, is_wrong_value, said


def config_fault(cfg: Config, path: str, doing: str = 'cannot be built') -> Meaning:
    """For :func:`~mmseg_ssr.errors.explained`: an error is a fault of the key ``path``.

    An error that is the user's already keeps its class, and file and key are added to its lines.
    """

    def meaning(error: Exception) -> Optional[UserError]:
        if isinstance(error, UserError):
            joined = error.__context__  # mmcv's builder makes one text of several lines
            if isinstance(joined, UserError) and len(joined.problems) > len(error.problems):
                error = joined
            return error.reworded(lambda line: f'{line} ({path} in {cfg.filename})')
        if is_wrong_value(error):
            return ConfigError(f'{cfg.filename}: {path} {doing}: {said(error)}')
        return None

    return meaning
