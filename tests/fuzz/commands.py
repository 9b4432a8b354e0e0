"""The commands, as functions of their arguments."""
import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any, Callable, List

import tiny_training

ROOT: Path = tiny_training.ROOT


@cache
def module(path: str) -> Any:
    """The module of a command, such as ``test``, or of a script, such as ``tools/demo.py``."""
    if '/' not in path:
        return importlib.import_module(f'mmseg_ssr.commands.{path}')
    sys.path[:0] = [str(folder) for folder in (ROOT, (ROOT / path).parent)
                    if str(folder) not in sys.path]
    spec = importlib.util.spec_from_file_location(path.replace('/', '_').removesuffix('.py'),
                                                  ROOT / path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def command(path: str) -> Callable[[List[str]], Any]:
    """``main`` of a command; it ends with an exception or returns."""
    return module(path).main


def converter(name: str) -> Callable[[List[str]], Any]:
    """The command that converts a data set, such as ``gta``."""
    return lambda arguments: command('convert')([name, *arguments])
