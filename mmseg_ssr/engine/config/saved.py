"""The text of a config inside a checkpoint: taken for its values, never run."""
import ast
import importlib
from typing import Any, Dict

from mmcv import Config

from ...errors import CheckpointError, said


def read_plain_config(text: str, path: str) -> Config:
    """The config in ``text``, as :attr:`mmcv.Config.pretty_text` lays it out.

    The modules of its ``custom_imports`` are imported, as they are when the file is read: they are
    installed here, or Python does not find them.

    Args:
        path: of the checkpoint, for messages.

    Raises:
        CheckpointError: it is something else than names and values, or a module is not there.
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
    except KeyError as error:  # a name that mmcv needs itself
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
    """``key = value``; ``_base_`` would read another file.

    Raises:
        ValueError: something that is not written down but would have to be computed.
    """
    if not isinstance(statement, ast.Assign) or not all(
            isinstance(target, ast.Name) and target.id[0] != '_' for target in statement.targets):
        raise ValueError('no value of a key')
    value = ast.literal_eval(_DictCalls().visit(statement.value))
    return {target.id: value for target in statement.targets}


class _DictCalls(ast.NodeTransformer):
    """Rewrites ``dict({'a': 1}, b=2, **{'c': 3})`` as ``{'a': 1, 'b': 2, 'c': 3}``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        keywords = [*(ast.keyword(None, value) for value in node.args), *node.keywords]
        parts = [ast.Dict([ast.Constant(keyword.arg)], [keyword.value]) if keyword.arg
                 else keyword.value for keyword in keywords]
        if not (isinstance(node.func, ast.Name) and node.func.id == 'dict'
                and all(isinstance(part, ast.Dict) for part in parts)):
            return node  # which is no literal
        return ast.Dict([key for part in parts for key in part.keys],
                        [value for part in parts for value in part.values])
