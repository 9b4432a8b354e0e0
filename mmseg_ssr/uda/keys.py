"""Groups of config keys. Each is a frozen dataclass beside the part that it describes.

A field holds the default of a key, its meaning and its bounds. docs/config.md is made from the
fields. A group checks its values when it is built, and its ``build`` makes the part.
"""
import contextlib
import dataclasses
import math
import numbers
import operator
import typing
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, TypeVar

from ..errors import WRONG_VALUE, ConfigError, Problems, nearest

T = TypeVar('T')


def key(default: Any, meaning: str, *, least: Optional[float] = None, most: Optional[float] = None,
        above: Optional[float] = None, below: Optional[float] = None,
        choices: Sequence[Any] = ()) -> Any:
    """Make a field of a :class:`KeyGroup`.

    Args:
        default: value of a key that is not given.
        meaning: one or two sentences for docs/config.md.
        least, most: inclusive bounds of a number.
        above, below: exclusive bounds of a number.
        choices: valid values. With bounds, numbers within them are valid too. None always is.
    """
    bounds = dict(least=least, most=most, above=above, below=below)
    return dataclasses.field(default=default, metadata=dict(
        meaning=meaning, choices=choices,
        bounds={kind: bound for kind, bound in bounds.items() if bound is not None}))


@dataclasses.dataclass(frozen=True)
class KeyGroup:
    """The keys of one part of a method.

    Raises:
        ConfigError: values are out of their bounds (one line each).
    """

    def __post_init__(self) -> None:
        problems = Problems()
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None or not takes_none(field):
                problems.tried(check_value, f'uda.{field.name}', value,
                               field.metadata['choices'], field.metadata['bounds'])
        # a value that is out of its bounds is named already, whatever else fails over it
        with contextlib.suppress(*(WRONG_VALUE if problems.found else ())), problems.collected():
            self.check()
        problems.report()

    def check(self) -> None:
        """Raise a :class:`ConfigError` if values do not fit together."""


def takes_none(field: dataclasses.Field) -> bool:
    """Return whether None is a value of the key."""
    return field.default is None or type(None) in typing.get_args(field.type)


HOLDS: Dict[str, Callable[[float, float], bool]] = dict(
    least=operator.ge, most=operator.le, above=operator.gt, below=operator.lt)


def check_value(name: str, value: Any, choices: Sequence[Any],
                bounds: Mapping[str, float]) -> None:
    """Raise a :class:`ConfigError` unless the value of the key ``name`` is valid.

    Args:
        choices, bounds: as in the metadata of a :func:`key`.
    """
    known = any(type(value) is type(choice) and value == choice for choice in choices)
    if known or not (choices or bounds):
        return
    is_number = (isinstance(value, numbers.Real) and not isinstance(value, bool)
                 and abs(value) < math.inf)
    if is_number and bounds and all(HOLDS[kind](value, bound) for kind, bound in bounds.items()):
        return
    wanted = [repr(choice) for choice in choices]
    if bounds:
        wanted.append(('' if is_number else 'a number ') + range_of(bounds))
    raise ConfigError(f'{name} must be {one_of(wanted)}, got {value!r}{nearest(value, choices)}')


def one_of(wanted: Sequence[str]) -> str:
    """Join words to ``'a, b or c'``."""
    return wanted[0] if len(wanted) == 1 else f'{", ".join(wanted[:-1])} or {wanted[-1]}'


def range_of(limits: Mapping[str, float]) -> str:
    """Return bounds in words: ``'in [0, 1)'``, ``'at least 0'`` or ``'above 0'``."""
    low, high = limits.get('least', limits.get('above')), limits.get('most', limits.get('below'))
    if low is None or high is None:
        words = dict(least='at least', most='at most', above='above', below='below')
        return ' and '.join(f'{words[kind]} {bound}' for kind, bound in limits.items())
    return f'in {"[" if "least" in limits else "("}{low}, {high}{"]" if "most" in limits else ")"}'


def check_list(name: str, value: Any) -> None:
    """Raise a :class:`ConfigError` unless ``value`` is a list."""
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f'uda.{name} must be a list, [dict(type=...), ...], got {value!r}')


def check_dict(name: str, value: Any, valid: Sequence[str], needed: Sequence[str] = ()) -> None:
    """Raise a :class:`ConfigError` unless ``value`` is None or a dict of ``valid`` keys.

    Args:
        needed: keys that the dict must have.
    """
    if value is None:
        return
    if not isinstance(value, dict):
        raise ConfigError(f'uda.{name} must be a dict with the keys {", ".join(valid)}, got '
                          f'{value!r}')
    for key_ in value:
        if key_ not in valid:
            raise ConfigError(f'unknown key uda.{name}.{key_}{nearest(key_, valid)}, valid keys '
                              f'are {", ".join(valid)}')
    for key_ in needed:
        if key_ not in value:
            raise ConfigError(f'uda.{name} needs the key {key_}, got {dict(value)}')


def part(factory: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Build a part, and turn its ``ValueError`` into a :class:`ConfigError` about ``uda``."""
    try:
        return factory(*args, **kwargs)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f'uda: {error}') from error
