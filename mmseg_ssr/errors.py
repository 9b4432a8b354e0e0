"""Errors that a user can fix, each in one line, and the end of a command."""
import contextlib
import difflib
import errno
import functools
import os
import re
import signal
import sys
import traceback
from pathlib import Path
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

#: Errors that Python and libraries raise for a wrong value.
WRONG_VALUE = (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError,
               ImportError, RuntimeError, MemoryError, OSError)
#: Environment variable that lets a command show the traceback of an error.
TRACEBACK = 'MMSEG_SSR_TRACEBACK'
#: Errors of a disk that takes no more.
NO_ROOM = {getattr(errno, name) for name in ('ENOSPC', 'EDQUOT', 'EFBIG') if hasattr(errno, name)}
#: Most characters of a library's message, and of the line that a command ends with.
LONGEST, LONGEST_LINE = 300, 600
#: A function from an error of Python or a library to its meaning for the user, or None.
Meaning = Callable[[Exception], Optional['UserError']]


class UserError(Exception):
    """A fault in the user's input. The message says what, where, what was expected, what to do."""

    @property
    def problems(self) -> Tuple[str, ...]:
        """The faults, one line each."""
        return (one_line(self), )

    def reworded(self, change: Callable[[str], str]) -> 'UserError':
        """Return an error of the same class, with ``change`` applied to each line."""
        return type(self)(*map(change, self.problems))


class ConfigError(UserError, ValueError):
    """Wrong keys or values in a config file or a constructor.

    Args:
        problems: the faults, one line each.
    """

    def __init__(self, *problems: str):
        super().__init__(*problems)

    def __str__(self) -> str:
        return '\n'.join(self.args)

    @property
    def problems(self) -> Tuple[str, ...]:
        return tuple(map(_in_one_line, self.args)) or super().problems


class Problems:
    """A collection of faults from several checks, so that a user sees all of them at once."""

    def __init__(self):
        self.found: List[str] = []

    @contextlib.contextmanager
    def collected(self) -> Iterator[None]:
        """Keep a :class:`ConfigError` of the block for :meth:`report`."""
        try:
            yield
        except ConfigError as error:
            self.found += [line for line in error.problems if line not in self.found]

    def tried(self, build: Callable[..., T], *args: Any) -> Optional[T]:
        """Return ``build(*args)``, or None if it raises a :class:`ConfigError`, which is kept."""
        with self.collected():
            return build(*args)
        return None

    def report(self) -> None:
        """Raise one :class:`ConfigError` with all faults, if there are any."""
        if self.found:
            raise ConfigError(*self.found)


class DataError(UserError, ValueError):
    """A faulty image, label or statistics file."""


class RefusedFile(DataError):
    """A file that the system does not let us read, or that is no regular file."""


class UnknownValue(DataError):
    """A label value that is no class."""


class MissingFile(UserError, FileNotFoundError):
    """A required file or folder is missing."""


def unreadable(path: Any, what: str, error: OSError) -> UserError:
    """Return the error for a file that the system refuses to read. It says nothing of the content.

    Args:
        path: path of the file.
        what: what the file is, for the message: ``'image'``.
        error: error of the system, with its ``errno``.
    """
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return _broken_link(path, what) or MissingFile(f'{what} {path} is missing')
    if isinstance(error, PermissionError):
        remedy = 'give yourself the permission to read it (chmod u+r, and u+x for its folders)'
    elif error.errno == errno.ELOOP:
        remedy = 'its links lead in a circle, point them to the file'
    else:
        remedy = 'try again when disk and network are in order'
    return RefusedFile(f'{what} {path} cannot be read ({error.strerror}): {remedy}')


def _broken_link(path: Any, what: str) -> Optional[RefusedFile]:
    """Return the error for a path that is, or leads through, a link to nothing. Else None."""
    for place in (*reversed(Path(path).parents), Path(path)):
        if place.is_symlink() and not os.path.exists(place):
            is_in = '' if place == Path(path) else f'is in {place}, which '
            return RefusedFile(f'{what} {path} {is_in}is a broken link to '
                               f'{os.path.realpath(place)}: put that in place, or mend the link')
    return None


class UnwritableFile(UserError, OSError):
    """A file that the system does not let us write."""


def unwritable(path: Any, error: OSError) -> UnwritableFile:
    """Return the error for a file or folder that the system refuses to write.

    Args:
        path: path of the file, as the user knows it.
        error: error of the system, with its ``errno``.
    """
    if error.errno in NO_ROOM:
        remedy = 'make room there and call again, or choose another folder'
    elif isinstance(error, (FileNotFoundError, NotADirectoryError, FileExistsError)):
        remedy = 'choose a path whose folder exists, or make its folder'
    elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
        remedy = 'give yourself the permission to write there, or choose another folder'
    else:
        remedy = 'choose another path'
    return UnwritableFile(f'{path} cannot be written ({error.strerror}): {remedy}')


class CheckpointError(UserError, RuntimeError):
    """A weights file that cannot be read or that belongs to another model."""


class Interrupted(SystemExit):
    """A stop by the user or the system. The work done so far is saved.

    Args:
        signum: number of the signal. The exit code is 128 more, as in a shell.
        message: one line that tells how far the program came and how to go on.
    """

    def __init__(self, signum: int, message: str):
        super().__init__(128 + signum)
        self.signum = signum
        self.message = message


def nearest_name(name: str, valid: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the valid name closest to ``name``, or an empty string if none is close."""
    return next(iter(difflib.get_close_matches(str(name), map(str, valid), 1, cutoff)), '')


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``", did you mean 'x'?"`` for the closest valid name, or an empty string."""
    close = nearest_name(name, valid)
    return f", did you mean '{close}'?" if close else ''


def one_line(error: BaseException) -> str:
    """Return the message of ``error`` in one line.

    A data loader's worker puts its traceback before the message, so the last line is taken.
    """
    return _in_one_line(str(error)) or type(error).__name__


def _in_one_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrapped = len(lines) > 1 and lines[0].startswith('Caught ')
    return lines[-1].split(': ', 1)[-1] if wrapped else ' '.join(lines)


def said(error: BaseException) -> str:
    """Return the message of an error in one line of at most :data:`LONGEST` characters."""
    text = one_line(error)
    if isinstance(error, KeyError):  # its text is the quoted key or a quoted message
        text = str(error.args[0]) if error.args else ''
        text = text if ' ' in text else f"'{text}' is missing"
    text = ' '.join(re.sub(r"""\\+(?=['"])""", '', text).split())
    return text if len(text) <= LONGEST else f'{text[:LONGEST]}...'


def without_middle(text: str, longest: int = LONGEST_LINE) -> str:
    """Cut the middle of ``text`` so that it has at most ``longest`` characters.

    The middle may hold a name of any length.
    """
    end = longest // 3
    return text if len(text) <= longest else f'{text[:longest - end - 5]} ... {text[-end:]}'


def is_wrong_value(error: BaseException) -> bool:
    """Whether Python or a library raised it for a wrong value, without a line for the user."""
    return isinstance(error, WRONG_VALUE) and not isinstance(error, UserError)


@contextlib.contextmanager
def explained(meaning: Meaning) -> Iterator[None]:
    """Replace errors of the block by their meaning to the user, with the original as the cause.

    Args:
        meaning: function that returns the error to raise instead, or None to leave it unchanged.

    Raises:
        UserError: ``meaning`` returned it.
    """
    try:
        yield
    except Exception as error:
        meant = meaning(error)
        if meant is None:
            raise
        raise meant from error


def cli(main: Callable) -> Callable:
    """Wrap a command's ``main``, so that user errors and signals end it with one line each.

    Errors of the operating system do so too, also those that do not say which file they are of.
    The exit code is 2 after an error, and 128 + N after signal N.
    """

    @functools.wraps(main)
    def run(*args, **kwargs):
        try:
            result = main(*args, **kwargs)
            sys.stdout.flush()  # here, since at the exit Python would end with a traceback
            return result
        except UserError as error:
            _stop(error)
        except OSError as error:
            _stop(_of_the_system(error))
        except Interrupted as error:
            sys.stderr.write(f'{error.message}\n')
            raise
        except KeyboardInterrupt:
            sys.stderr.write('stopped by SIGINT\n')
            sys.exit(128 + signal.SIGINT)

    return run


def _of_the_system(error: OSError) -> UserError:
    """Return the line for an error of the system that no part of the program has explained."""
    reason = error.strerror or said(error)
    if error.errno in NO_ROOM:
        return unwritable(error.filename or 'a file, or the output of the command,', error)
    if isinstance(error, BrokenPipeError):
        return UserError(f'the output cannot be written ({reason}): the program that reads it has '
                         'ended, let it read to the end or write to a file')
    if error.filename is None:
        return UserError(f'the system refuses what the command asks for ({reason}): '
                         f'{TRACEBACK}=1 shows where')
    if isinstance(error, PermissionError):
        reason += ': give yourself the permission, or choose another path'
    return UserError(f'{error.filename}: {reason}')


def _stop(error: UserError) -> NoReturn:
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    _drop_output()
    for line in error.problems:
        sys.stderr.write(f'error: {without_middle(line)}\n')
    sys.exit(2)


def _drop_output() -> None:
    """Write what was printed. If that fails, drop it, or Python would complain at the exit."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, 'w') as nowhere, contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
