"""Faults put into the sources one by one: does a unit test of their room fail?

Each mutant is one small change of one file. It is made in a copy of the tree, and the tests of the
file's room are run there until the first fails, the nearest first.
"""
import multiprocessing
import os
import shutil
import sys
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
#: What the tests need of the tree.
COPIED = ('mmseg_ssr', 'tests', 'configs', 'docs', 'tools', 'pyproject.toml', 'README.md')
#: Sources -> the tests of their room, which run behind the file's own.
ROOM_TESTS = {
    'uda': ('tests/test_uda', ),
    'regularizer': ('tests/test_regularizer', ),
    'layers': ('tests/test_layers', ),
    'labels': ('tests/test_labels', ),
    'engine/checkpoint': ('tests/test_engine/test_checkpoint', ),
    'utils/atomic_file.py': ('tests/test_utils/test_atomic_file.py', ),
}
#: Exit codes of pytest: all passed, some failed, a file could not be collected.
PASSED, FAILED, BROKEN = 0, 1, 2
#: Seconds for the tests of one mutant. They take less than 100, a mutant may never end.
TIMEOUT = 600


#: Imported once and not by each of the processes that run tests: most of a short test's time.
SLOW_IMPORTS = ['pytest', 'torch', 'mmseg.models', 'timm', 'segment_anything']


class Mutant(NamedTuple):
    """A fault.

    Attributes:
        file: path below ``mmseg_ssr``.
        old: text that occurs once in the file.
        new: text in its place.
    """
    file: str
    old: str
    new: str

    def __str__(self) -> str:
        return f'{self.file}: {self.old.strip()!r} -> {self.new.strip()!r}'

    def applied(self, text: str) -> str:
        """The text of the file with the fault.

        Raises:
            ValueError: the old text does not occur exactly once.
        """
        if text.count(self.old) != 1 or self.old == self.new:
            raise ValueError(f'{self}: the first must occur once in the file and differ from the '
                             f'second, it occurs {text.count(self.old)} times')
        return text.replace(self.old, self.new)


def mutants_of(table: dict) -> List[Mutant]:
    """The mutants of a table {file: [(old, new), ...]}."""
    return [Mutant(file, old, new) for file, pairs in table.items() for old, new in pairs]


def room_of(file: str, rooms: dict = ROOM_TESTS) -> str:
    """The room of a source.

    Raises:
        LookupError: the file is in no room that has tests here.
    """
    for room in rooms:
        if f'{file}/'.startswith(f'{room}/'):
            return room
    raise LookupError(f'{file} is in none of the rooms {", ".join(rooms)}: give it tests')


def room_tests(file: str, root: Path = ROOT, rooms: dict = ROOM_TESTS) -> List[str]:
    """The tests that run for a source: its own, if it has a file of them, then its room's."""
    path, room = Path(file), rooms[room_of(file, rooms)]
    own = Path('tests', *(f'test_{part}' for part in path.parent.parts), f'test_{path.name}')
    nearest = [own.as_posix()] if (root / own).exists() else []
    return list(dict.fromkeys([*nearest, *room]))


def run_pytest(folder: Path, tests: Sequence[str], said: Path) -> None:
    """Run tests of the tree in ``folder``, in this process, and end it with pytest's exit code."""
    import pytest
    with open(said, 'w') as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.chdir(folder)
    os.environ.update(PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE='1')
    sys.dont_write_bytecode = True
    multiprocessing.set_start_method(None, force=True)  # that of a run by hand, not our parent's
    ours = (ROOT, ROOT / 'tests')
    sys.path[:] = [str(folder), *(path for path in sys.path if Path(path).resolve() not in ours)]
    assert 'mmseg_ssr' not in sys.modules, 'the copy is to be tested'
    sys.exit(int(pytest.main(['-x', '-q', '-p', 'no:cacheprovider', '--no-header', *tests])))


class Trial:
    """A copy of the tree in which mutants are tried.

    Args:
        root: the tree.
        folder: empty folder for the copy.
        imports: modules that all processes of the tests share.
    """

    def __init__(self, root: Path, folder: Path, imports: Sequence[str] = ()):
        self.folder = folder
        self.processes = multiprocessing.get_context('forkserver' if imports else 'spawn')
        if imports:
            self.processes.set_forkserver_preload(list(imports))
        for name in COPIED:
            source = root / name
            if source.is_dir():
                shutil.copytree(source, folder / name, symlinks=True,
                                ignore=shutil.ignore_patterns('__pycache__'))
            elif source.exists():
                shutil.copy(source, folder / name)

    def run(self, tests: Sequence[str]) -> Tuple[Optional[int], str]:
        """Run tests in the copy up to the first failure; pytest's exit code and what it said.

        The code is None if they have not ended in time.
        """
        said = self.folder / 'said.txt'
        process = self.processes.Process(target=run_pytest, args=(self.folder, tests, said))
        process.start()
        process.join(TIMEOUT)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
        return code, said.read_text(encoding='utf-8', errors='replace')

    def first_failure(self, mutant: Mutant, tests: Sequence[str]) -> str:
        """What fails with the fault, or an empty string if it survives.

        The files and folders of tests run one by one: most faults need no more than the first.

        Raises:
            RuntimeError: the tests did not run.
        """
        path = self.folder / 'mmseg_ssr' / mutant.file
        text = path.read_text(encoding='utf-8')
        path.write_text(mutant.applied(text), encoding='utf-8')
        try:
            failures = (self._failure(mutant, test) for test in tests)
            return next(filter(None, failures), '')
        finally:
            path.write_text(text, encoding='utf-8')

    def _failure(self, mutant: Mutant, test: str) -> str:
        code, said = self.run([test])
        if code == PASSED:
            return ''
        if code is None:
            return f'no end after {TIMEOUT} s'
        lines = [line for line in said.splitlines() if line.startswith(('FAILED ', 'ERROR '))]
        if code not in (FAILED, BROKEN) or not said:
            raise RuntimeError(f'{mutant}: pytest ended with {code}: {said[-2000:]}')
        return lines[0] if lines else said.splitlines()[-1]


def try_all(mutants: Iterable[Mutant], folder: Path,
            root: Path = ROOT, rooms: dict = ROOM_TESTS,
            imports: Sequence[str] = ()) -> Iterator[Tuple[Mutant, str]]:
    """Yield each mutant with what fails, or an empty string if it survives.

    Raises:
        RuntimeError: tests fail without a fault, so they could not tell one.
    """
    mutants, trial = list(mutants), Trial(root, folder, imports)
    tests = dict.fromkeys(
        test for mutant in mutants for test in room_tests(mutant.file, root, rooms))
    code, said = trial.run(list(tests))
    if code != PASSED:
        raise RuntimeError(f'tests fail without a fault: {said[-2000:]}')
    for mutant in mutants:
        yield mutant, trial.first_failure(mutant, room_tests(mutant.file, root, rooms))
