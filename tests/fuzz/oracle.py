"""What a command may do with bad input, in one place (contract C6).

A case runs a command in this process. It may succeed, or end with a non-zero exit code and one
clear line on standard error. Everything else is a fault: an exception, a hang, a line that says
nothing, a file that is half written, a file that was there and is not any more, a result that
differs from the one of undamaged input.
"""
import contextlib
import io
import json
import logging
import re
import resource
import signal
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence
from unittest import mock

SECONDS = 60
#: What a command may allocate beyond what the process has: more is a fault, not a dead machine.
MEMORY = 6 * 2**30
LONGEST_LINE = 600
MUST_FAIL, MUST_WORK, MAY_FAIL = 'must fail', 'must work', 'may fail'

#: Messages of Python and of libraries that say neither what nor where.
BARE = re.compile(
    r"^('[^']*'|\"[^\"]*\"|-?\d+|None|\w*(Error|Exception|Exit|Interrupt)\b.*|"
    r"[\w'() ]* (index out of range|object (is|has) .*)|unsupported operand.*|"
    r"'\S+' not supported between .*|invalid literal.*|\S* ?missing \d+ required .*|"
    r'division by zero|\[Errno.*|math domain error|cannot convert float .*)$')


@dataclass
class Case:
    """One run of a command.

    Attributes:
        run: the command with its arguments.
        told: words of which the error line has to hold one: the file, the key, the option.
        expect: MUST_FAIL, MUST_WORK or MAY_FAIL.
        where: folder in which the command reads and writes.
        owned: files in it that the command may change although they were there before.
        result: reads what came out of a success.
        reference: what ``result`` gives for undamaged input; None compares nothing.
        harmless: a file or folder that only code hidden in the input would make.
        what: was done, for the message of a failure.
    """

    run: Callable[[], Any]
    told: Sequence[str]
    where: Path
    expect: str = MAY_FAIL
    owned: Sequence[str] = ()
    result: Optional[Callable[[], Any]] = None
    reference: Any = None
    harmless: Optional[Path] = None
    what: str = ''


@dataclass
class Outcome:
    """What a command did."""
    code: int = 0
    error: str = ''
    output: str = ''
    raised: Optional[BaseException] = None
    lost: List[str] = field(default_factory=list)
    partial: List[str] = field(default_factory=list)


class Hang(BaseException):
    """Not an ``Exception``: nobody on the way shall handle it."""


def faults(case: Case) -> List[str]:
    """Run the case; a line for each thing that must not be."""
    outcome = run(case)
    return list(judge(case, outcome))


def run(case: Case) -> Outcome:
    outcome = Outcome()
    before = snapshot(case.where)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limits(), \
            quiet_logging(), mock.patch.object(sys, 'argv', ['command']):
        try:
            case.run()
        except SystemExit as end:
            outcome.code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException as error:  # noqa: B036  (a hang and Ctrl-C are faults as well)
            outcome.raised, outcome.code = error, 1
    outcome.output, outcome.error = out.getvalue(), err.getvalue()
    after = snapshot(case.where)
    outcome.lost = [name for name, content in before.items() if after.get(name) != content
                    and not name.endswith(tuple(case.owned) or ('//', ))]
    outcome.partial = [name for name in after if name not in before
                       and not is_whole(case.where / name)]
    return outcome


def judge(case: Case, outcome: Outcome):
    if outcome.raised is not None:
        yield f'{type(outcome.raised).__name__} came out: {outcome.raised}'
        return
    if 'Traceback (most recent call last)' in outcome.output + outcome.error:
        yield 'a traceback was printed'
    if case.harmless is not None and case.harmless.exists():
        yield 'code from the file was run'
    for name in outcome.lost:
        yield f'{name} was there before and has been changed or removed'
    for name in outcome.partial:
        yield f'{name} is half a file'
    if outcome.code:
        yield from judge_line(case, outcome)
        if case.expect == MUST_WORK:
            yield f'refused, but is right: {last_line(outcome.error)}'
    elif case.expect == MUST_FAIL:
        yield 'accepted without a word'
    elif case.result is not None and case.reference is not None:
        if case.result() != case.reference:
            yield 'silently another result than with undamaged input'


def judge_line(case: Case, outcome: Outcome):
    lines = [line for line in outcome.error.splitlines() if re.match(r'([\w.]+: )?error: ', line)]
    if len(lines) != 1:
        yield f'{len(lines)} error lines with exit code {outcome.code}: {outcome.error[-300:]!r}'
        return
    line = ' '.join(outcome.error[outcome.error.index(lines[0]):].split('error: ', 1)[1].split())
    if len(line) > LONGEST_LINE:
        yield f'an error line of {len(line)} characters: {line[:200]}...'
    if BARE.match(line):
        yield f'a line that says nothing: {line}'
    if not any(str(word) in line for word in case.told):
        yield f'the line names none of {list(map(str, case.told))}: {line}'


def last_line(text: str) -> str:
    return (text.splitlines() or [''])[-1]


@contextlib.contextmanager
def limits():
    """Time and memory of a command."""

    def hang(*unused):
        raise Hang(f'no end after {SECONDS} seconds')

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    old = signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def snapshot(folder: Path) -> Dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob('*')) if path.is_file() and not path.is_symlink()}


def is_whole(path: Path) -> bool:
    """Can a file that a command has left under its final name be read to the end?"""
    if path.suffix == '.pth':
        return zipfile.is_zipfile(path) and zipfile.ZipFile(path).testzip() is None
    if path.suffix == '.json' and not path.name.endswith('.log.json'):
        try:
            json.loads(path.read_text())
        except ValueError:
            return False
    if path.suffix == '.png':
        return path.read_bytes().endswith(b'IEND\xaeB`\x82')
    return '.part' not in path.name and not path.name.endswith('.tmp')


def quiet_stdin() -> None:
    """A command that asks a question reads an end of file."""
    sys.stdin = io.StringIO()


@contextlib.contextmanager
def quiet_logging():
    """Handlers of earlier tests write to streams that pytest has closed: nobody needs to know."""
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
    finally:
        logging.raiseExceptions = before
