"""The rooms of the package: who may import whom, and how large a room may be.

Everything is read from the sources, imports inside functions too.
"""
import ast
from pathlib import Path

import pytest

import mmseg_ssr

PACKAGE = Path(mmseg_ssr.__file__).parent
OPENMMLAB = {'mmcv', 'mmseg', 'mmengine'}
MOST_MODULES = 16

BASE = 'errors distributed weights utils'
STEP = f'{BASE} labels.ignore_index regularizer uda'
PROGRAM = f'{STEP} host labels visualization models methods datasets engine'
#: Room -> what it may import, from the bottom up: a row names rows above it alone. ``room.module``
#: allows that module of the room.
ALLOWED = {
    'errors': '',
    'distributed': 'errors',
    'weights': 'errors',
    'utils': 'errors distributed',
    'visualization': '',
    'labels': 'errors utils',
    'regularizer': BASE,
    'uda': f'{BASE} labels.ignore_index regularizer',
    'host': BASE,
    'models': f'{STEP} host',
    'methods': f'{STEP} host models',
    'datasets': f'{BASE} labels host',
    'streets': f'{BASE} labels',
    'engine': f'{STEP} host labels visualization models methods datasets',
    'browse': PROGRAM,
    'report': PROGRAM,
    'deploy': PROGRAM,
    'doctor': f'{PROGRAM} deploy',
    'pretraining': f'{BASE} labels regularizer streets',
    'benchmark': f'{PROGRAM} streets',  # which nobody imports
}
#: Rooms that import OpenMMLab themselves. Models and methods know it through ``host`` alone.
KNOW_OPENMMLAB = {'host', 'datasets', 'engine', 'browse', 'report', 'deploy', 'doctor', 'benchmark'}
#: Rooms that anybody can use without OpenMMLab.
PURE = {'uda', 'regularizer', 'labels', 'streets', 'pretraining', 'visualization', *BASE.split()}

# ------------------------------------------------------------------------------------------------
# NOT YET: arrows (room, imported) that are still there and have to go. Empty this set.
NOT_YET = {
    ('utils', 'mmcv'),
    ('uda', 'mmseg'),
    ('models', 'mmcv'), ('models', 'mmseg'),
    ('methods', 'mmcv'), ('methods', 'mmseg'),
}
# ------------------------------------------------------------------------------------------------


def room_of(path):
    """``mmseg_ssr/uda/views/view.py`` -> ``uda``, ``mmseg_ssr/errors.py`` -> ``errors``."""
    return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


def sources(room):
    """The files of a room; ``mmseg_ssr/__init__.py`` opens all rooms and is in none."""
    return [path for path in PACKAGE.rglob('*.py') if room_of(path) == room]


def imports(path):
    """Absolute names of what a source file imports: ``mmseg_ssr.errors.ConfigError``, ``numpy``."""
    package = ('mmseg_ssr', *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = '.'.join(package[:len(package) + 1 - node.level]) if node.level else ''
            base = '.'.join(filter(None, (base, node.module)))
            yield from (f'{base}.{name.name}' for name in node.names)


def imported(room):
    """(name, file) for each import of a room, names as of :func:`imports`."""
    return [(name, path) for path in sources(room) for name in imports(path)]


def is_allowed(room, name):
    """Whether the row of the room allows a name of this package."""
    return name == 'mmseg_ssr.__version__' or any(
        f'{name}.'.startswith(f'mmseg_ssr.{one}.') for one in [room, *ALLOWED[room].split()])


def test_every_room_has_a_row():
    assert {room_of(path) for path in PACKAGE.rglob('*.py')} <= {*ALLOWED, '__init__'}


def test_rows_name_rows_above_them():
    rooms = list(ALLOWED)
    for i, room in enumerate(rooms):
        assert {one.split('.')[0] for one in ALLOWED[room].split()} <= set(rooms[:i]), room
    assert not [room for room in rooms if 'benchmark' in ALLOWED[room].split()]


@pytest.mark.parametrize('room', ALLOWED)
def test_a_room_imports_what_its_row_allows(room):
    assert not [f'{path}: {name}' for name, path in imported(room)
                if name.startswith('mmseg_ssr.') and not is_allowed(room, name)]


@pytest.mark.parametrize('room', sorted(set(ALLOWED) - KNOW_OPENMMLAB))
def test_openmmlab_is_known_to_the_rooms_that_say_so(room):
    found = [(name.split('.')[0], path) for name, path in imported(room)]
    assert not [f'{path}: {name}' for name, path in found
                if name in OPENMMLAB and (room, name) not in NOT_YET]


@pytest.mark.parametrize('room', sorted(PURE))
def test_a_pure_room_stands_on_pure_rooms(room):
    """So none of them reaches OpenMMLab, not even through another room."""
    assert {one.split('.')[0] for one in ALLOWED[room].split()} <= PURE - KNOW_OPENMMLAB


def test_no_folder_is_crowded():
    folders = {path.parent for path in PACKAGE.rglob('*.py')}
    assert len(folders) > 20
    assert not {str(folder): count for folder in folders
                if (count := len(list(folder.glob('*.py')))) > MOST_MODULES}


@pytest.mark.parametrize('name', ['measure', 'flops', 'made_images', 'reference'])
def test_what_runs_beside_another_mmseg_imports_nothing_of_ours(name):
    found = list(imports(PACKAGE / 'benchmark' / f'{name}.py'))
    assert found and not [one for one in found if one.startswith('mmseg_ssr')]
