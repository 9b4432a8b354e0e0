"""The rooms of the package: who may import whom, and how large a room may be.

Everything is read from the sources, imports inside functions too.
"""
import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location(
    'rooms', Path(__file__).parents[1] / 'tools' / 'rooms.py')
sources = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(sources)

MOST_MODULES = 16

BASE = 'errors distributed weights utils'
STEP = f'{BASE} layers labels.ignore_index regularizer regions uda'
PARTS = f'{STEP} host labels domains visualization models methods datasets'
PROGRAM = f'{PARTS} engine'
#: Room -> what it may import, from the bottom up: a row names rows above it alone. ``room.module``
#: allows that module of the room.
ALLOWED = {
    'starting': '',
    'errors': '',
    'migration': 'errors',
    'distributed': 'errors',
    'utils': 'errors distributed',
    'weights': 'errors utils',
    'layers': '',
    'visualization': '',
    'labels': 'errors utils',
    'domains': f'{BASE} labels',
    'regularizer': f'{BASE} layers',
    'regions': f'{BASE} regularizer',
    'uda': f'{BASE} labels.ignore_index regularizer',
    'host': f'{BASE} uda.student',
    'models': f'{STEP} host',
    'mmseg1': f'{STEP} host labels domains models.sync_batch_norm',
    'methods': f'{STEP} host models mmseg1.segmentor',
    'datasets': f'{BASE} labels domains host',
    'streets': f'{BASE} labels',
    'engine': PARTS,
    'browse': PROGRAM,
    'report': f'{PROGRAM} migration',
    'deploy': f'{PROGRAM} migration',
    'doctor': f'{PROGRAM} deploy',
    'pretraining': f'{BASE} labels regularizer streets',
    'benchmark': f'{PROGRAM} deploy starting streets',
    'experiments': 'labels',
    'commands': f'{PROGRAM} migration streets browse report deploy doctor benchmark experiments',
    '__main__': 'starting commands',
}
#: Rooms that import OpenMMLab themselves. Models and methods know it through ``host`` alone.
KNOW_OPENMMLAB = {'host', 'mmseg1', 'datasets', 'engine', 'browse', 'report', 'deploy', 'doctor',
                  'benchmark', 'commands'}
#: Rooms that anybody can use without OpenMMLab.
PURE = {'migration', 'layers', 'uda', 'regularizer', 'regions', 'labels', 'domains', 'streets',
        'pretraining', 'visualization', *BASE.split()}


def imported(room):
    """(name, file) for each import of a room."""
    return [(name, path) for path in sources.rooms().get(room, [])
            for name in sources.imports(path)]


def is_allowed(room, name):
    """Whether the row of the room allows a name of this package."""
    return name in ('mmseg_ssr.__version__', 'mmseg_ssr.HINDRANCE', 'mmseg_ssr.LINE') or any(
        f'{name}.'.startswith(f'mmseg_ssr.{one}.') for one in [room, *ALLOWED[room].split()])


def test_every_room_has_a_row():
    assert len(sources.rooms()) > 15 and sources.rooms().keys() <= ALLOWED.keys()


def test_rows_name_rows_above_them():
    names = list(ALLOWED)
    for i, room in enumerate(names):
        assert {one.split('.')[0] for one in ALLOWED[room].split()} <= set(names[:i]), room
    assert [room for room in names if 'benchmark' in ALLOWED[room].split()] == ['commands']


@pytest.mark.parametrize('room', ALLOWED)
def test_a_room_imports_what_its_row_allows(room):
    assert not [f'{path}: {name}' for name, path in imported(room)
                if name.startswith('mmseg_ssr.') and not is_allowed(room, name)]


@pytest.mark.parametrize('room', sorted(set(ALLOWED) - KNOW_OPENMMLAB))
def test_openmmlab_is_known_to_the_rooms_that_say_so(room):
    found = [(name.split('.')[0], path) for name, path in imported(room)]
    assert not [f'{path}: {name}' for name, path in found
                if name in sources.OPENMMLAB]


@pytest.mark.parametrize('room', sorted(PURE))
def test_a_pure_room_stands_on_pure_rooms(room):
    """So none of them reaches OpenMMLab, not even through another room."""
    assert {one.split('.')[0] for one in ALLOWED[room].split()} <= PURE - KNOW_OPENMMLAB


def test_no_folder_is_crowded():
    folders = {path.parent for path in sources.PACKAGE.rglob('*.py')}
    assert len(folders) > 20
    assert not {str(folder): count for folder in folders
                if (count := len(list(folder.glob('*.py')))) > MOST_MODULES}


@pytest.mark.parametrize('name', ['measure', 'made_images', 'reference'])
def test_what_runs_beside_another_mmseg_imports_nothing_of_ours(name):
    found = list(sources.imports(sources.PACKAGE / 'benchmark' / f'{name}.py'))
    assert found and not [one for one in found if one.startswith('mmseg_ssr')]
