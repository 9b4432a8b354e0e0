"""The command line tools, ours and mmseg's."""
import importlib
import importlib.util
import os
import re
import runpy
import shlex
from pathlib import Path

import mmseg
import pytest
import tiny_training
import torch

from mmseg_ssr.__main__ import main as mmseg_ssr_command

from .prepared import PreparedPython

ROOT = tiny_training.ROOT
STOCK = Path(mmseg.__file__).parent / '.mim' / 'tools'


@pytest.fixture(scope='session')
def tool():
    """The module of a command: ``tool('test')``, or of a script: ``tool('tools/demo.py')``."""
    modules = {}

    def load(path):
        if '/' not in path:
            return importlib.import_module(f'mmseg_ssr.commands.{path}')
        if path not in modules:
            spec = importlib.util.spec_from_file_location(
                path.replace('/', '_').removesuffix('.py'), ROOT / path)
            modules[path] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(modules[path])
        return modules[path]

    return load


@pytest.fixture
def fails(tool, capsys):
    """Runs a command that must end with exit code 2 and a line for each fault; returns them."""

    def run(path, *arguments, faults=1):
        with pytest.raises(SystemExit) as end:
            tool(path).main([str(argument) for argument in arguments])
        error = capsys.readouterr().err.splitlines()
        assert end.value.code == 2, error
        lines = [line for line in error if line.startswith('error: ')]
        assert len(lines) == faults and error[-faults:] == lines, error
        return '\n'.join(lines)

    return run


@pytest.fixture(scope='session')
def prepared():
    """An interpreter that has imported mmseg, for the scripts of its wheel."""
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    python = PreparedPython({**os.environ, 'PYTHONPATH': path, 'OMP_NUM_THREADS': '1',
                             'CUDA_VISIBLE_DEVICES': ''})
    yield python
    python.close()


@pytest.fixture
def stock(prepared, tmp_path):
    """Runs a script of the mmsegmentation wheel: ``stock('test.py', *arguments)`` -> its output."""

    def run(script, *arguments):
        code, output = prepared.run(str(STOCK / script), list(map(str, arguments)),
                                    str(tmp_path / 'stock.txt'))
        assert code == 0, output[-3000:]
        return output

    return run


@pytest.fixture
def follow(tmp_path, monkeypatch, capfd):
    """Runs the commands of the ``shell`` blocks of a page, as they stand there, in ``tmp_path``.

    ``follow('docs/own_data.md')`` -> what each of them has printed.
    """

    def run(page):
        for name in ('configs', 'tools', 'run_experiments.py'):
            (tmp_path / name).symlink_to(ROOT / name)
        monkeypatch.chdir(tmp_path)
        printed = []
        for command in shell_commands(ROOT / page):
            program, *arguments = shlex.split(command)
            monkeypatch.setattr('sys.argv', [program, *arguments])
            if program == 'python':
                monkeypatch.setattr('sys.argv', arguments)
                runpy.run_path(arguments[0], run_name='__main__')
            else:
                assert program == 'mmseg-ssr'
                mmseg_ssr_command()
            printed.append(capfd.readouterr().out)
        return printed

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield run
    torch.set_num_threads(threads)


def shell_commands(page):
    """The commands of the ``shell`` blocks of a page, a line each unless it ends in a backslash."""
    text = page.read_text(encoding='utf-8')
    return [line for block in re.findall(r'^```shell\n(.*?)^```', text, re.M | re.S)
            for line in block.replace('\\\n', '').splitlines()]
