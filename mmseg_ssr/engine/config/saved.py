"""The config text in a work directory and in a checkpoint: what is written reads back equal.

Reading takes values. The code in a text is never run.
"""
import ast
import importlib
import keyword
import math
from functools import lru_cache
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmcv import Config
from yapf.yapflib.yapf_api import FormatCode

from ...errors import CheckpointError, ConfigError, said
from .keys import TOP_LEVEL

#: The kinds of values that are written as Python writes them.
PLAIN = (bool, int, str, bytes, complex, type(None))
#: The style of :attr:`mmcv.Config.pretty_text`.
STYLE = dict(based_on_style='pep8', blank_line_before_nested_class_or_def=True,
             split_before_expression_after_opening_paren=True)


def config_text(cfg: Config) -> str:
    """Write ``cfg`` as Python text that mmcv and :func:`read_plain_config` read back equal.

    The text is that of :attr:`mmcv.Config.pretty_text` where that is right. mmcv does not escape
    the characters in a string.

    Raises:
        ConfigError: see :func:`plain_text`.
    """
    return _formatted(plain_text(cfg))


def plain_text(cfg: Config) -> str:
    """Write ``cfg`` as :func:`config_text` does, but each key on one line, which is much faster.

    Variables at the top that are no plain values are left out, as mmcv leaves out modules and
    functions: nothing reads them.

    Raises:
        ConfigError: a key holds something else than plain values, or a name at the top is none of
            Python.
    """
    lines = []
    for key, value in cfg._cfg_dict.items():
        if not _is_name(key):
            raise ConfigError(f'{cfg.filename}: the key {key!r} at the top of a config must be a '
                              'name of Python: rename it, or take it away')
        try:
            lines.append(f'{key} = {_written(value, key)}\n')
        except ConfigError as error:
            if key in TOP_LEVEL:
                raise error.reworded(lambda line: f'{cfg.filename}: {line}') from error
    return ''.join(lines)


@lru_cache(maxsize=64)
def _formatted(text: str) -> str:
    """Lay a text out. It takes a second for a config, and a training writes it several times."""
    return FormatCode(text, style_config=STYLE)[0]


def same_config(text: Any, cfg: Config, *but: str) -> bool:
    """Return whether ``text`` is the config ``cfg`` as it was written once, in any layout.

    Args:
        but: as of :func:`changed_keys`.

    Raises:
        ConfigError: ``cfg`` cannot be written, see :func:`plain_text`.
    """
    return changed_keys(text, cfg, *but) == []


def changed_keys(text: Any, cfg: Config, *but: str) -> Optional[List[str]]:
    """Return the keys whose values differ between ``text``, a config once written, and ``cfg``.

    Keys that have no effect on a training may differ: ``name``, and the ``name_*`` variables of
    older versions. None stands for a text that is no config.

    Args:
        but: beginnings of further keys at the top that may differ.

    Raises:
        ConfigError: ``cfg`` cannot be written, see :func:`plain_text`.
    """
    own = _values(plain_text(cfg), but)
    try:
        old = _values(text, but)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    return [key for key in {**old, **own} if old.get(key) != own.get(key)]


def _values(text: str, but: Sequence[str]) -> Dict[str, str]:
    """Return each key of a config and what it says, without its layout: ``uda.alpha`` -> 0.99."""
    values: Dict[str, str] = {}
    for statement in ast.parse(text).body:
        parsed = _Calls().visit(statement)
        name = isinstance(parsed, ast.Assign) and getattr(parsed.targets[0], 'id', None)
        if not name:
            values[ast.unparse(parsed)] = ''
        elif name != 'name' and not name.startswith(('name_', *but)):
            values.update(_leaves(name, parsed.value))
    return values


def _leaves(path: str, value: ast.AST) -> Dict[str, str]:
    """Return the values inside of a dict by their paths, or the value itself."""
    if not isinstance(value, ast.Dict) or not value.keys or not all(
            isinstance(key, ast.Constant) for key in value.keys):
        return {path: ast.unparse(value)}
    return {leaf: text for key, item in zip(value.keys, value.values)
            for leaf, text in _leaves(f'{path}.{key.value}', item).items()}


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier() and not keyword.iskeyword(key)


def _written(value: Any, path: str) -> str:
    """Write a value in mmcv's layout: ``dict(...)``, and literals inside tuples."""
    if isinstance(value, dict):
        entries = [(key, _written(item, f'{path}.{key}')) for key, item in value.items()]
        if all(_is_name(key) for key in value):
            return f'dict({", ".join(f"{key}={text}" for key, text in entries)})'
        return f'dict({_braces(entries, path)})'
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return f'[{", ".join(_written(item, f"{path}.{i}") for i, item in enumerate(value))}]'
    return _literal(value, path)


def _literal(value: Any, path: str) -> str:
    """Write a value as Python's ``repr``, with strings that mmcv does not take for variables."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        text = float.__repr__(value)
        return text if math.isfinite(value) else f"float('{text}')"
    for kind in PLAIN:
        if isinstance(value, kind):
            return kind.__repr__(value).replace('{{', '{\\x7b')
    if isinstance(value, dict):
        return _braces([(key, _literal(item, f'{path}.{key}')) for key, item in value.items()],
                       path)
    if isinstance(value, (list, tuple, set)):
        items = [_literal(item, f'{path}.{i}') for i, item in enumerate(value)]
        if isinstance(value, set):
            return f'{{{", ".join(items)}}}' if items else 'set()'
        if isinstance(value, list):
            return f'[{", ".join(items)}]'
        return f'({", ".join(items)}{"," * (len(items) == 1)})'
    raise ConfigError(f'{path} is a {type(value).__name__}, expected plain values (numbers, text, '
                      'lists, tuples, dicts), which are kept in the work directory and in '
                      'checkpoints')


def _braces(entries: list, path: str) -> str:
    return f'{{{", ".join(f"{_literal(key, path)}: {text}" for key, text in entries)}}}'


def read_plain_config(text: str, path: str) -> Config:
    """Read the config in ``text``, as :func:`config_text` and mmcv's ``pretty_text`` write it.

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
            name is one of mmcv's own with two underscores, or ``_base_``, which would read another
            file.
    """
    if not isinstance(statement, ast.Assign) or not all(
            isinstance(target, ast.Name) and target.id != '_base_' and target.id[:2] != '__'
            for target in statement.targets):
        raise ValueError('no value of a key')
    value = ast.literal_eval(_Calls().visit(statement.value))
    return {target.id: value for target in statement.targets}


class _Calls(ast.NodeTransformer):
    """Rewriting of ``dict({'a': 1}, b=2, **{'c': 3})`` as ``{'a': 1, 'b': 2, 'c': 3}``.

    ``float('nan')`` and ``float('inf')`` become the numbers, which have no literal.
    """

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name == 'float' and len(node.args) == 1 and not node.keywords:
            return ast.Constant(float(ast.literal_eval(node.args[0])))
        keywords = [*(ast.keyword(None, value) for value in node.args), *node.keywords]
        parts = [ast.Dict([ast.Constant(keyword.arg)], [keyword.value]) if keyword.arg
                 else keyword.value for keyword in keywords]
        if not (name == 'dict' and all(isinstance(part, ast.Dict) for part in parts)):
            return node  # no literal
        return ast.Dict([key for part in parts for key in part.keys],
                        [value for part in parts for value in part.values])
