"""The rooms of the package and their imports (in functions too), read from the sources."""
import ast
from pathlib import Path
from typing import Dict, Iterator, List, Set

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'mmseg_ssr'
OPENMMLAB = {'mmcv', 'mmseg', 'mmengine'}


def rooms() -> Dict[str, List[Path]]:
    """Room -> its files. A room is a folder of the package, or a file beside the folders.

    ``mmseg_ssr/__init__.py`` opens all rooms and is in none.
    """
    found: Dict[str, List[Path]] = {}
    for path in sorted(PACKAGE.rglob('*.py')):
        room = path.relative_to(PACKAGE).parts[0]
        if room != '__init__.py':
            found.setdefault(room.removesuffix('.py'), []).append(path)
    return found


def imports(path: Path) -> Iterator[str]:
    """Absolute names of a file's imports: ``mmseg_ssr.errors.ConfigError``, ``numpy``."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = '.'.join(package[:len(package) + 1 - node.level]) if node.level else ''
            base = '.'.join(filter(None, (base, node.module)))
            yield from (f'{base}.{name.name}' for name in node.names)


def imported_rooms() -> Dict[str, Set[str]]:
    """Room -> the other rooms that it imports."""
    found = rooms()
    return {room: {name.split('.')[1] for path in paths for name in imports(path)
                   if name.startswith('mmseg_ssr.')} & found.keys() - {room}
            for room, paths in found.items()}
