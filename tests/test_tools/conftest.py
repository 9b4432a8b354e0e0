"""The command line tools, ours and mmseg's."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import mmseg
import pytest
import tiny_training

ROOT = tiny_training.ROOT
sys.path.insert(0, str(ROOT))  # run_experiments.py imports experiments.py
STOCK = Path(mmseg.__file__).parent / '.mim' / 'tools'


@pytest.fixture(scope='session')
def tool():
    """The module of a command: ``tool('tools/test.py')``."""
    modules = {}

    def load(path):
        if path not in modules:
            spec = importlib.util.spec_from_file_location(
                path.replace('/', '_').removesuffix('.py'), ROOT / path)
            modules[path] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(modules[path])
        return modules[path]

    return load


@pytest.fixture
def fails(tool, capsys):
    """Runs a command that must end with exit code 2 and one line; returns the line."""

    def run(path, *arguments):
        with pytest.raises(SystemExit) as end:
            tool(path).main([str(argument) for argument in arguments])
        error = capsys.readouterr().err.splitlines()
        assert end.value.code == 2, error
        lines = [line for line in error if line.startswith('error: ')]
        assert len(lines) == 1 and error[-1] == lines[0], error
        return lines[0]

    return run


@pytest.fixture
def stock():
    """Runs a script of the mmsegmentation wheel: ``stock('test.py', *arguments)`` -> its output."""

    def run(script, *arguments):
        path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
        done = subprocess.run(
            [sys.executable, str(STOCK / script), *map(str, arguments)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
            env={**os.environ, 'PYTHONPATH': path, 'OMP_NUM_THREADS': '1',
                 'CUDA_VISIBLE_DEVICES': ''})
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    return run
