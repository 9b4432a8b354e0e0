"""Each command runs as ``python tools/NAME.py`` where the project is not installed."""
import re
import runpy
import sys
import warnings
from pathlib import Path

import pytest
import tiny_training

TOOLS = sorted(path for path in (tiny_training.ROOT / 'tools').glob('*.py')
               if re.search(r'^(from|import) mmseg_ssr', path.read_text(encoding='utf-8'), re.M))


@pytest.mark.parametrize('path', TOOLS, ids=lambda path: path.stem)
def test_a_command_finds_the_package_beside_it(path, monkeypatch):
    monkeypatch.delitem(sys.modules, 'drawing', raising=False)  # it finds the package for others
    monkeypatch.setattr(sys, 'path', [str(path.parent), *(
        place for place in sys.path if Path(place).resolve() != tiny_training.ROOT)])
    with warnings.catch_warnings():  # what it lets through is for itself
        runpy.run_path(str(path))
    assert str(tiny_training.ROOT) in sys.path


def test_there_are_commands():
    assert {'train', 'test', 'plain_weights', 'replay'} <= {path.stem for path in TOOLS}
