"""Errors that a user can mend, each said in one line, and how a command ends on one."""
import difflib
import functools
import sys
from typing import Callable, Iterable


class UserError(Exception):
    """Something the user gave is not right: what, where, what was expected, what to do."""


class ConfigError(UserError, ValueError):
    """A key or a value of a config file or of a constructor."""


class DataError(UserError, ValueError):
    """An image, a label or a statistics file."""


class MissingFile(UserError, FileNotFoundError):
    """A file or folder that has to be there."""


class CheckpointError(UserError, RuntimeError):
    """A file of weights that cannot be read, or that belongs to another model."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """``", did you mean 'x'?"`` for the valid name closest to ``name``, or an empty string."""
    close = difflib.get_close_matches(str(name), [str(v) for v in valid], n=1, cutoff=0.6)
    return f", did you mean '{close[0]}'?" if close else ''


def one_line(error: BaseException) -> str:
    """The message of ``error`` in one line.

    A data loader's worker wraps the message in its own traceback; the last line is ours.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    wrapped = len(lines) > 1 and lines[0].startswith('Caught ')
    return lines[-1].split(': ', 1)[-1] if wrapped else ' '.join(lines)


def cli(main: Callable) -> Callable:
    """Wrap a command's ``main``: a :class:`UserError` ends it with one line and exit code 2."""

    @functools.wraps(main)
    def run(*args, **kwargs):
        try:
            return main(*args, **kwargs)
        except UserError as error:
            sys.stderr.write(f'error: {one_line(error)}\n')
            sys.exit(2)

    return run
