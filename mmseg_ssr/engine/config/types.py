"""Type checks of config values against argument annotations.

An argument without annotation is judged by its default: if the default is a number, a text is
wrong. If neither tells the type, every value passes.
"""
import inspect
import math
import types
import typing
from collections import abc
from typing import Any, List, Optional, Union

import torch

#: How a choice of types is written: ``Union[int, str]``, and ``int | str`` since Python 3.10.
UNIONS = (Union, getattr(types, 'UnionType', Union))
#: Arguments of mmcv and mmseg that take names too, though their default is a number.
TAKE_NAMES = ('padding', )
SCALARS = {bool: 'True or False', int: 'an integer', float: 'a number', str: 'a text',
           type(None): 'None'}


def misfit(value: Any, parameter: inspect.Parameter) -> Optional[str]:
    """Return in words what the argument takes, if ``value`` does not fit it, else None."""
    if parameter.annotation is not parameter.empty:
        annotation = parameter.annotation
        if parameter.default is None:
            annotation = Optional[annotation]
        return None if fits(value, annotation) else described(annotation)
    default = parameter.default
    if parameter.name in TAKE_NAMES or value is None:
        return None
    if isinstance(default, bool):
        return None if value in (0, 1) else SCALARS[bool]
    if isinstance(default, (int, float)):
        return SCALARS[float] if isinstance(value, (str, dict)) else None
    if isinstance(default, dict):
        return 'a dict' if isinstance(value, (str, int, float)) else None
    if isinstance(default, (list, tuple)):
        return 'a list' if isinstance(value, (str, dict, bool)) else None
    return None


def fits(value: Any, annotation: Any) -> bool:
    """Whether ``value`` has the annotated type. Unknown annotations fit everything.

    Lists pass as tuples and tuples as lists. Integers pass as numbers, NaN does not.
    """
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in UNIONS:
        return any(fits(value, option) for option in inner)
    if annotation is float:
        return is_number(value)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation in (bool, str, type(None)):
        return isinstance(value, annotation)
    if origin in (dict, abc.Mapping) or annotation is dict:
        return isinstance(value, dict) and (
            not inner or all(fits(item, inner[1]) for item in value.values()))
    if origin is tuple and inner and Ellipsis not in inner:
        return (isinstance(value, (list, tuple)) and len(value) == len(inner)
                and all(fits(item, kind) for item, kind in zip(value, inner)))
    if origin in (tuple, list, abc.Sequence) or annotation in (list, tuple):
        return isinstance(value, (list, tuple)) and (
            not inner or all(fits(item, inner[0]) for item in value))
    if inspect.isclass(annotation) and issubclass(annotation, (torch.Tensor, torch.nn.Module)):
        return isinstance(value, annotation)
    return True


def is_number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and not math.isnan(value))


def described(annotation: Any) -> str:
    """Describe an annotation: ``Optional[Sequence[int]]`` -> ``'a list of integers or None'``."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in UNIONS:
        words: List[str] = [described(option) for option in inner
                            if not inspect.isclass(option) or option in SCALARS or option is dict]
        return ' or '.join(dict.fromkeys(words))
    if annotation in SCALARS:
        return SCALARS[annotation]
    plural = {int: 'integers', float: 'numbers', str: 'texts', dict: 'dicts'}
    if origin in (dict, abc.Mapping) or annotation is dict:
        return f'a dict of {plural[inner[1]]}' if inner and inner[1] in plural else 'a dict'
    if origin is tuple and inner and Ellipsis not in inner:
        return f'{len(inner)} values ({", ".join(described(kind) for kind in inner)})'
    if origin in (tuple, list, abc.Sequence) and inner:
        nested = typing.get_origin(inner[0]) in (tuple, list, abc.Sequence)
        return f'a list of {plural[inner[0]]}' if inner[0] in plural else (
            'a list of lists' if nested else 'a list')
    if origin in (tuple, list, abc.Sequence) or annotation in (tuple, list):
        return 'a list'
    return getattr(annotation, '__name__', str(annotation))
