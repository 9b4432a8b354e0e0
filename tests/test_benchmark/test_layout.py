"""Who may import whom."""
import re
from pathlib import Path

import pytest

import mmseg_ssr

PACKAGE = Path(mmseg_ssr.__file__).parent
IMPORT = re.compile(r'^\s*(?:from|import)\s.*\bbenchmark\b', re.M)


def test_nothing_of_the_library_imports_the_benchmark():
    files = [path for path in PACKAGE.rglob('*.py')
             if path.relative_to(PACKAGE).parts[0] != 'benchmark']
    assert len(files) > 50
    assert [path for path in files if IMPORT.search(path.read_text())] == []


@pytest.mark.parametrize('name', ['measure', 'flops', 'made_images', 'reference'])
def test_what_runs_beside_another_mmseg_imports_nothing_of_ours(name):
    text = (PACKAGE / 'benchmark' / f'{name}.py').read_text()
    assert not re.search(r'^\s*(?:from \.|from mmseg_ssr|import mmseg_ssr)', text, re.M)
