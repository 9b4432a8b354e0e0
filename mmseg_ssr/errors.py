"""Errors that a user can mend, each said in one line, and how a command ends."""
import contextlib
import difflib
import functools
import os
import re
import signal
import sys
import traceback
from typing import (
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    NoReturn,
    Optional,
    Tuple,
    TypeVar,
)

T = TypeVar('T')

#: What Python and the libraries raise over a value that is not what they need.
WRONG_VALUE = (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError,
               ImportError, RuntimeError, MemoryError, OSError)
#: Set to anything, it lets a command show where an error comes from.
TRACEBACK = 'MMSEG_SSR_TRACEBACK'
#: Characters of what a library says, and of the line that a command ends with.
LONGEST, LONGEST_LINE = 300, 600
#: What an error of Python or of a library means to the user; None where it means nothing.
Meaning = Callable[[Exception], Optional['UserError']]


class UserError(Exception):
    """Something the user gave is not right: what, where, what was expected, what to do."""

    @property
    def problems(self) -> Tuple[str, ...]:
        """What is wrong, a line each."""
        return (one_line(self), )

    def reworded(self, change: Callable[[str], str]) -> 'UserError':
        """An error of the same class whose lines are what ``change`` makes of the lines here."""
        return type(self)(*map(change, self.problems))


class ConfigError(UserError, ValueError):
    """Keys or values of a config file or of a constructor.

    Args:
        problems: what is wrong, a line each.
    """

    def __init__(self, *problems: str):
        super().__init__(*problems)

    def __str__(self) -> str:
        return '\n'.join(self.args)

    @property
    def problems(self) -> Tuple[str, ...]:
        return tuple(map(_in_one_line, self.args)) or super().problems


class Problems:
    """Collects what several checks find, so that a user sees all of it at once."""

    def __init__(self):
        self.found: List[str] = []

    @contextlib.contextmanager
    def collected(self) -> Iterator[None]:
        """A check; a :class:`ConfigError` in it is kept for :meth:`report`."""
        try:
            yield
        except ConfigError as error:
            self.found += [line for line in error.problems if line not in self.found]

    def tried(self, build: Callable[..., T], *args: Any) -> Optional[T]:
        """What ``build(*args)`` gives; None where it finds something wrong."""
        with self.collected():
            return build(*args)
        return None

    def report(self) -> None:
        """Raise one :class:`ConfigError` with all that was found, if there was anything."""
        if self.found:
            raise ConfigError(*self.found)


class DataError(UserError, ValueError):
    """An image, a label or a statistics file."""


class UnknownValue(DataError):
    """A value in a label that is no class."""


class MissingFile(UserError, FileNotFoundError):
    """A file or folder that has to be there."""


class CheckpointError(UserError, RuntimeError):
    """A file of weights that cannot be read, or that belongs to another model."""


class Interrupted(SystemExit):
    """The user, or the system, has told the program to stop; what was done is saved.

    Args:
        signum: the signal; the exit code is the shell's, 128 more.
        message: how far it came and how to go on, in one line.
    """

    def __init__(self, signum: int, message: str):
        super().__init__(128 + signum)
        self.signum = signum
        self.message = message


def nearest_name(name: str, valid: Iterable[str], cutoff: float = 0.6) -> str:
    """The valid name closest to ``name``, or an empty string where none is near."""
    return next(iter(difflib.get_close_matches(str(name), map(str, valid), 1, cutoff)), '')


def nearest(name: str, valid: Iterable[str]) -> str:
    """``", did you mean 'x'?"`` for the valid name closest to ``name``, or an empty string."""
    close = nearest_name(name, valid)
    return f", did you mean '{close}'?" if close else ''


def one_line(error: BaseException) -> str:
    """The message of ``error`` in one line.

    A data loader's worker wraps the message in its own traceback; the last line is ours.
    """
    return _in_one_line(str(error)) or type(error).__name__


def _in_one_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrapped = len(lines) > 1 and lines[0].startswith('Caught ')
    return lines[-1].split(': ', 1)[-1] if wrapped else ' '.join(lines)


def said(error: BaseException) -> str:
    """What an error of Python or of a library says, in a line that is not too long."""
    text = one_line(error)
    if isinstance(error, KeyError):  # whose text is the quoted key, or a message quoted again
        text = str(error.args[0]) if error.args else ''
        text = text if ' ' in text else f"'{text}' is missing"
    text = ' '.join(re.sub(r"""\\+(?=['"])""", '', text).split())
    return text if len(text) <= LONGEST else f'{text[:LONGEST]}...'


def without_middle(text: str, longest: int = LONGEST_LINE) -> str:
    """``text`` in at most ``longest`` characters: a name in its middle may be of any length."""
    end = longest // 3
    return text if len(text) <= longest else f'{text[:longest - end - 5]} ... {text[-end:]}'


def is_wrong_value(error: BaseException) -> bool:
    """Whether Python or a library raised it over a wrong value, so that it is no line yet."""
    return isinstance(error, WRONG_VALUE) and not isinstance(error, UserError)


@contextlib.contextmanager
def explained(meaning: Meaning) -> Iterator[None]:
    """A block whose errors become what they mean to the user, and are its cause.

    Args:
        meaning: the error to raise in the place of one, or None where that is left as it is.

    Raises:
        UserError: of ``meaning``.
    """
    try:
        yield
    except Exception as error:
        meant = meaning(error)
        if meant is None:
            raise
        raise meant from error


def cli(main: Callable) -> Callable:
    """Wrap a command's ``main``: errors of the user and signals end it with one line each.

    So do those of the operating system over a path: too long, not permitted, no space left. The
    exit code is 2 after an error, 128 + N after signal N.
    """

    @functools.wraps(main)
    def run(*args, **kwargs):
        try:
            return main(*args, **kwargs)
        except UserError as error:
            _stop(error)
        except OSError as error:
            if error.filename is None:
                raise
            _stop(UserError(f'{error.filename}: {error.strerror}'))
        except Interrupted as error:
            sys.stderr.write(f'{error.message}\n')
            raise
        except KeyboardInterrupt:
            sys.stderr.write('stopped by SIGINT\n')
            sys.exit(128 + signal.SIGINT)

    return run


def _stop(error: UserError) -> NoReturn:
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    for line in error.problems:
        sys.stderr.write(f'error: {without_middle(line)}\n')
    sys.exit(2)
