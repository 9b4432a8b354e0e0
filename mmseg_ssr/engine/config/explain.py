"""Errors that libraries raise for a wrong config value, reported as a fault of the config.

The error keeps its cause. A command shows the traceback if the environment variable
``MMSEG_SSR_TRACEBACK`` is set (:func:`~mmseg_ssr.errors.cli`).
"""
from typing import Optional

from mmcv import Config

from ...errors import ConfigError, Meaning, UserError, is_wrong_value, said


def config_fault(cfg: Config, path: str, doing: str = 'cannot be built') -> Meaning:
    """Blame an error on the key ``path``, for :func:`~mmseg_ssr.errors.explained`.

    A :class:`~mmseg_ssr.errors.UserError` keeps its class. Its lines get the file and the key.
    """

    def meaning(error: Exception) -> Optional[UserError]:
        if isinstance(error, UserError):
            joined = error.__context__  # mmcv's builder joins several lines into one text
            if isinstance(joined, UserError) and len(joined.problems) > len(error.problems):
                error = joined
            return error.reworded(lambda line: f'{line} ({path} in {cfg.filename})')
        if is_wrong_value(error):
            return ConfigError(f'{cfg.filename}: {path} {doing}: {said(error)}')
        return None

    return meaning
