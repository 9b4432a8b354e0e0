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
        except (_NoValue, TypeError, ValueError, RecursionError) as error:
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


class _NoValue(Exception):
    """Something that is not written down but would have to be computed."""


def _entry(statement: ast.stmt) -> Dict[str, Any]:
    """``key = value``; ``_base_`` would read another file."""
    if not isinstance(statement, ast.Assign):
        raise _NoValue
    for target in statement.targets:
        if not isinstance(target, ast.Name) or target.id.startswith('_'):
            raise _NoValue
    return {target.id: _value(statement.value) for target in statement.targets}


def _value(node: ast.AST) -> Any:
    if not isinstance(node, ast.Call):
        return _literal(node)
    if not isinstance(node.func, ast.Name) or node.func.id != 'dict':
        raise _NoValue
    pairs = dict(*map(_value, node.args))
    for keyword in node.keywords:  # without a name: **value
        pairs.update({keyword.arg: _value(keyword.value)} if keyword.arg else _value(keyword.value))
    return pairs


def _literal(node: ast.AST) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        kind = list if isinstance(node, ast.List) else tuple
        return kind(map(_value, node.elts))
    if isinstance(node, ast.Dict) and None not in node.keys:
        return dict(zip(map(_value, node.keys), map(_value, node.values)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    raise _NoValue
