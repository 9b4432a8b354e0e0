"""The helpers know nothing of OpenMMLab, so that a method can be used without it."""
import ast
from pathlib import Path

import pytest

import mmseg_ssr

PACKAGE = Path(mmseg_ssr.__file__).parent
PURE = [*sorted((PACKAGE / 'utils').glob('*.py')),
        *(PACKAGE / name for name in ('errors.py', 'weights.py', 'distributed.py'))]


@pytest.mark.parametrize('path', PURE, ids=lambda path: path.stem)
def test_no_module_imports_openmmlab(path):
    imported = [name for node in ast.parse(path.read_text()).body for name in (
        [node.module] if isinstance(node, ast.ImportFrom) else
        [alias.name for alias in node.names] if isinstance(node, ast.Import) else [])]
    assert not [name for name in imported
                if name and name.split('.')[0] in ('mmcv', 'mmseg', 'mmengine')]
