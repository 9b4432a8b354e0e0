"""The text of a config inside a checkpoint: taken for its values, never run."""
import ast

from mmcv import Config

from ..errors import CheckpointError

VALUES = (ast.Constant, ast.Dict, ast.List, ast.Tuple, ast.UnaryOp, ast.USub, ast.Load,
          ast.keyword)


def read_plain_config(text: str, path: str) -> Config:
    """The config in ``text``, as :attr:`mmcv.Config.pretty_text` lays it out.

    Args:
        path: of the checkpoint, for messages.

    Raises:
        CheckpointError: it is something else than names and values.
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, TypeError) as error:
        raise CheckpointError(f'{path} holds no config that can be read') from error
    for statement in statements:
        if not _is_entry(statement):
            raise CheckpointError(f'the config in {path} is not read: line {statement.lineno} of '
                                  'it is no plain value and could run code')
    return Config.fromstring(text, '.py')


def _is_entry(statement: ast.stmt) -> bool:
    """``key = value``; ``_base_`` would read another file."""
    return (isinstance(statement, ast.Assign) and _is_value(statement.value)
            and all(isinstance(target, ast.Name) and not target.id.startswith('_')
                    for target in statement.targets))


def _is_value(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):  # dict(key=value)
        return (isinstance(node.func, ast.Name) and node.func.id == 'dict'
                and all(_is_value(part) for part in (*node.args, *node.keywords)))
    return isinstance(node, VALUES) and all(_is_value(part) for part in ast.iter_child_nodes(node))
