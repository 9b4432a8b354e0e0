"""The mutants are applied where they say, and `make soak` counts how many of them are caught."""
import ast
import textwrap
from collections import Counter

import pytest

from .checkpoints import CHECKPOINTS
from .labels import LABELS
from .losses import LOSSES
from .mutate import (
    ROOM_TESTS,
    ROOT,
    SLOW_IMPORTS,
    Mutant,
    mutants_of,
    room_of,
    room_tests,
    try_all,
)
from .regularizer import REGULARIZER
from .step import STEP

MUTANTS = mutants_of({**STEP, **LOSSES, **REGULARIZER, **LABELS, **CHECKPOINTS})
#: Share of the mutants that the unit tests of their rooms have to catch.
CAUGHT = 0.95


@pytest.mark.parametrize('mutant', MUTANTS, ids=str)
def test_a_mutant_is_a_change_of_the_code_that_is_there(mutant):
    text = (ROOT / 'mmseg_ssr' / mutant.file).read_text(encoding='utf-8')
    before, after = (ast.dump(ast.parse(code)) for code in (text, mutant.applied(text)))
    assert before != after
    assert room_tests(mutant.file)


def test_every_room_has_mutants():
    assert len(MUTANTS) == len(set(MUTANTS)) >= 60
    assert {room_of(mutant.file) for mutant in MUTANTS} == set(ROOM_TESTS)


@pytest.mark.soak
def test_the_unit_tests_of_a_room_catch_its_mutants(tmp_path):
    survivors = []
    trials = try_all(MUTANTS, tmp_path, imports=SLOW_IMPORTS)
    for number, (mutant, failure) in enumerate(trials, 1):
        print(f'{number}/{len(MUTANTS)} {failure or "SURVIVED"}: {mutant}', flush=True)
        survivors += [] if failure else [mutant]
    tried, missed = (Counter(room_of(mutant.file) for mutant in some)
                     for some in (MUTANTS, survivors))
    for room, count in tried.items():
        print(f'{room}: {count - missed[room]} of {count} caught')
    assert len(survivors) <= (1 - CAUGHT) * len(MUTANTS), '\n'.join(map(str, survivors))


# ---------------------------------------------------------------- the harness


@pytest.mark.parametrize('text', ['b', 'a + a', 'a'])
def test_a_text_that_does_not_occur_once_is_an_error(text):
    with pytest.raises(ValueError, match='must occur once in the file and differ'):
        Mutant('x.py', 'a', 'c' if text != 'a' else 'a').applied(text)


def test_the_nearest_tests_run_first():
    assert room_tests('uda/views/view.py') == ['tests/test_uda/test_views/test_view.py',
                                               'tests/test_uda']
    assert room_tests('uda/execution.py') == ['tests/test_uda']
    assert room_tests('uda/draws.py') == ['tests/test_uda/test_draws.py', 'tests/test_uda']
    assert room_tests('utils/atomic_file.py') == ['tests/test_utils/test_atomic_file.py']
    with pytest.raises(LookupError, match='report/write.py is in none of the rooms'):
        room_tests('report/write.py')


@pytest.fixture
def tree(tmp_path):
    """A package of one room whose only function is tested by one example."""
    for path, text in {
            'mmseg_ssr/__init__.py': '', 'mmseg_ssr/sums/__init__.py': '',
            'mmseg_ssr/sums/add.py': 'def add(a, b):\n    return a + b + 0\n',
            'tests/test_sums/test_add.py': '''
                from mmseg_ssr.sums.add import add

                def test_add():
                    assert add(1, 2) == 3
                '''}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(textwrap.dedent(text))
    return tmp_path


ROOMS = {'sums': ('tests/test_sums', )}


def test_a_fault_is_caught_if_a_test_fails_and_the_next_one_starts_anew(tree, tmp_path):
    table = {'sums/add.py': [('a + b', 'a - b'), ('b + 0', 'b - 0'), ('return a', 'retrun a')]}
    found = [failure for _, failure in try_all(
        mutants_of(table), tmp_path / 'copy', tree, ROOMS)]
    assert 'test_add.py::test_add' in found[0] and found[1] == '' and 'test_add.py' in found[2]
    assert 'a + b + 0' in (tree / 'mmseg_ssr/sums/add.py').read_text()


def test_tests_that_fail_without_a_fault_catch_nothing(tree, tmp_path):
    (tree / 'tests/test_sums/test_add.py').write_text('def test_add():\n    assert False\n')
    with pytest.raises(RuntimeError, match='tests fail without a fault'):
        list(try_all([Mutant('sums/add.py', 'a + b', 'a - b')], tmp_path / 'copy', tree, ROOMS))
