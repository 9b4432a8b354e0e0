"""Weights of a loss for the levels of a student: its decode head and its auxiliary heads."""
from typing import Any, Dict, Mapping, Union

from torch import nn

from ...errors import ConfigError, nearest
from .. import student as student_interface
from ..keys import check_value

#: A number is the weight of the decode head. A dict has a weight for each level.
LevelWeights = Union[float, Dict[str, float], None]


def check_level_weights(name: str, weights: LevelWeights) -> None:
    """Raise a :class:`ConfigError` if a weight is below 0."""
    for level, weight in as_dict(weights).items():
        place = f'uda.{name}.{level}' if isinstance(weights, dict) else f'uda.{name}'
        check_value(place, weight, (), dict(least=0))


def level_weights(name: str, weights: LevelWeights, student: nn.Module) -> Dict[str, float]:
    """Return the weights above 0 by level: 'main' and the auxiliary heads of the student.

    Raises:
        ConfigError: the student lacks a level that has a weight.
    """
    weights = as_dict(weights)
    levels = ['main', *list(student_interface.heads(student))[1:]]
    optional = ['aux'] if len(levels) == 1 else []  # MIC's dicts have it in any case
    for level in weights:
        if level not in (*levels, *optional):
            raise ConfigError(f'unknown key uda.{name}.{level}{nearest(level, levels)}, the '
                              f'student has {", ".join(levels)}')
    return {level: weights[level] for level in levels if weights.get(level)}


def as_dict(weights: LevelWeights) -> Mapping[str, Any]:
    return weights if isinstance(weights, dict) else dict(main=weights or 0.)
