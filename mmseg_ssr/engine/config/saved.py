"""The config text in a checkpoint. Its values are read, and its code is never run."""
import ast
import importlib
from typing import Any, Dict

from mmcv import Config

from ...errors import CheckpointError, said


def read_plain_config(text: str, path: str) -> Config:
    """Read the config in ``text``, laid out as by :attr:`mmcv.Config.pretty_text`.

    The modules of its ``custom_imports`` are imported, as when a config file is read. Only modules
    that are installed here can be found.

    Args:
        text: names and plain values.
        path: path of the checkpoint, for messages.

    Raises:
        CheckpointError: the text holds more than names and plain values, or a module cannot be
            imported.
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise CheckpointError(f'{path} holds no config that can be read') from error
    values: Dict[str, Any] = {}
    for statement in statements:
        try:
            values.update(_entry(statement))
        except (ValueError, TypeError, MemoryError, RecursionError) as error:
            raise CheckpointError(f'the config in {path} is not read: line {statement.lineno} of '
                                  'it is no plain value and could run code') from error
    try:
        config = Config(values, cfg_text=text, filename=path)
    except KeyError as error:  # a name that mmcv reserves
        raise CheckpointError(f'the config in {path} cannot be read: {said(error)}') from error
    _import(config.get('custom_imports') or {}, path)
    return config


def _import(custom_imports: Any, path: str) -> None:
    where = f'custom_imports of the config in {path}'
    names = custom_imports.get('imports') or [] if isinstance(custom_imports, dict) else None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f'{where} cannot be read: expected dict(imports=[...])')
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # a module is code: anything can go wrong in it
            if not custom_imports.get('allow_failed_imports'):
                raise CheckpointError(f'{where} cannot be read: {name}: {said(error)}; the folder '
                                      'of a module of your own has to be in PYTHONPATH') from error


def _entry(statement: ast.stmt) -> Dict[str, Any]:
    """Return the entry of a statement ``key = value``.

    Raises:
        ValueError: the statement is no such entry, its value would have to be computed, or its
            name begins with an underscore. ``_base_`` would read another file.
    """
    if not isinstance(statement, ast.Assign) or not all(
            isinstance(target, ast.Name) and target.id[0] != '_' for target in statement.targets):
        raise ValueError('no value of a key')
    value = ast.literal_eval(_DictCalls().visit(statement.value))
    return {target.id: value for target in statement.targets}


class _DictCalls(ast.NodeTransformer):
    """Rewriting of ``dict({'a': 1}, b=2, **{'c': 3})`` as ``{'a': 1, 'b': 2, 'c': 3}``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        keywords = [*(ast.keyword(None, value) for value in node.args), *node.keywords]
        parts = [ast.Dict([ast.Constant(keyword.arg)], [keyword.value]) if keyword.arg
                 else keyword.value for keyword in keywords]
        if not (isinstance(node.func, ast.Name) and node.func.id == 'dict'
                and all(isinstance(part, ast.Dict) for part in parts)):
            return node  # no literal
        return ast.Dict([key for part in parts for key in part.keys],
                        [value for part in parts for value in part.values])
