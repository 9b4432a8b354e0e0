"""The keyword arguments of registered classes and functions."""
import ast
import inspect
import textwrap
from typing import Callable, Dict, Optional, Set, Tuple

from torch import nn

Parameters = Dict[str, inspect.Parameter]


def keyword_arguments(target: Callable) -> Optional[Set[str]]:
    """Return the names that ``target`` accepts, or None if it accepts any."""
    found, complete = parameters(target)
    return set(found) if complete else None


def needed_arguments(target: Callable) -> Set[str]:
    """Return the names without a default. Those that a class passes on to its base do not count."""
    if inspect.isclass(target):
        target = next(vars(cls)['__init__'] for cls in target.__mro__ if '__init__' in vars(cls))
    return {name for name, p in _named(target)[0].items() if p.default is p.empty}


def parameters(target: Callable) -> Tuple[Parameters, bool]:
    """Return the named parameters of ``target``, and whether it takes no other names.

    If ``__init__`` passes ``**kwargs`` on, the parameters of the base class count too. A
    constructor that uses ``**kwargs`` in another way takes any name.
    """
    if not inspect.isclass(target):
        named, rest = _named(target)
        return named, rest is None
    accepted: Parameters = {}
    for cls in target.__mro__:
        if cls in (nn.Module, object):
            return accepted, cls is object
        if '__init__' not in vars(cls):
            continue
        named, rest = _named(cls.__init__)
        accepted = {**named, **accepted}  # the parameter of a class hides that of its base
        if rest is None:
            return accepted, True
        if not _passes_on(cls.__init__, rest):
            return accepted, False
    return accepted, False


def _named(function: Callable) -> Tuple[Parameters, Optional[str]]:
    """Return the named parameters of ``function``, and the name of its ``**`` parameter or None."""
    try:
        found = inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C
        return {}, 'unknown'
    named = {name: p for name, p in found.items() if name != 'self'
             and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    rest = [name for name, p in found.items() if p.kind is p.VAR_KEYWORD]
    return named, rest[0] if rest else None


def _passes_on(init: Callable, rest: str) -> bool:
    """Whether ``init`` calls an ``__init__`` with ``**rest``."""
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
