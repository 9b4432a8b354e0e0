"""Which keyword arguments a registered class or function takes."""
import ast
import inspect
import textwrap
from typing import Callable, Optional, Set

from torch import nn


def keyword_arguments(target: Callable) -> Optional[Set[str]]:
    """Names that ``target`` accepts, or None when it takes any.

    ``**kwargs`` is followed to the base class when ``__init__`` passes it on; a constructor that
    uses it otherwise takes any name.
    """
    if not inspect.isclass(target):
        names, rest = _named(target)
        return None if rest else names
    accepted: Set[str] = set()
    for cls in target.__mro__:
        if cls in (nn.Module, object):
            return accepted if cls is object else None
        if '__init__' not in vars(cls):
            continue
        names, rest = _named(cls.__init__)
        accepted |= names
        if rest is None:
            return accepted
        if not _passes_on(cls.__init__, rest):
            return None
    return None


def _named(function: Callable):
    """Named parameters of ``function`` and the name of its ``**`` parameter, if any."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C
        return set(), 'unknown'
    names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    rest = [p.name for p in parameters if p.kind is p.VAR_KEYWORD]
    return names - {'self'}, rest[0] if rest else None


def _passes_on(init: Callable, rest: str) -> bool:
    """Whether ``init`` calls some ``__init__`` with ``**rest``."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(init)))
    except (OSError, TypeError, SyntaxError):
        return False
    return any(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        and call.func.attr == '__init__'
        and any(k.arg is None and isinstance(k.value, ast.Name) and k.value.id == rest
                for k in call.keywords)
        for call in ast.walk(tree))
