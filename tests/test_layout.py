"""Who may import whom, read from the sources."""
import ast
from pathlib import Path

import pytest

import mmseg_ssr

PACKAGE = Path(mmseg_ssr.__file__).parent
OPENMMLAB = {'mmcv', 'mmseg', 'mmengine'}


def imports(path):
    """Absolute names of the modules that a source file imports, wherever it does."""
    package = ('mmseg_ssr', *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = '.'.join(package[:len(package) + 1 - node.level]) if node.level else ''
            base = '.'.join(filter(None, (base, node.module)))
            yield from (f'{base}.{name.name}' for name in node.names)


@pytest.mark.parametrize('room', ['labels'])
def test_a_pure_room_imports_nothing_of_openmmlab(room):
    paths = list((PACKAGE / room).rglob('*.py'))
    assert paths
    assert not {path.name: found for path in paths
                if (found := {name.split('.')[0] for name in imports(path)} & OPENMMLAB)}
