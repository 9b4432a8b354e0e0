"""The frozen encoders by the names that configs use."""
from typing import Any, Callable, Dict, Mapping, Type

import torch

from ..errors import ConfigError, nearest
from .frozen import FrozenNetwork
from .sam_encoder import FrozenSAMEncoder
from .timm_encoder import FrozenTimmEncoder

ENCODERS: Dict[str, Type[FrozenNetwork]] = {'sam': FrozenSAMEncoder, 'timm': FrozenTimmEncoder}
DEFAULT = 'sam'  # as in the paper


def register_encoder(name: str) -> Callable[[Type[FrozenNetwork]], Type[FrozenNetwork]]:
    """Class decorator: ``encoder=dict(type=name, ...)`` in a config builds the class.

    The class derives from :class:`FrozenNetwork`. It takes images B x 3 x H x W, normalized as in
    the config's pipeline, and gives maps B x ``out_channels`` x h x w. Its instances have
    ``out_channels``.

    Raises:
        TypeError: the class is no ``FrozenNetwork``, so it would be trained and saved.
        ValueError: another class has the name.
    """

    def enter(cls: Type[FrozenNetwork]) -> Type[FrozenNetwork]:
        if not issubclass(cls, FrozenNetwork):
            raise TypeError(f'the encoder {cls.__name__} must be derived from FrozenNetwork')
        if name in ENCODERS and ENCODERS[name] is not cls:
            raise ValueError(f'{ENCODERS[name].__name__} has the name {name!r} already')
        ENCODERS[name] = cls
        return cls

    return enter


def encoder_class(kind: Any) -> Type[FrozenNetwork]:
    """Return the class of an encoder's type.

    Raises:
        ConfigError: the type is unknown. The error has the nearest valid name.
    """
    if not isinstance(kind, str) or kind not in ENCODERS:
        raise ConfigError(f'encoder.type must be one of {sorted(ENCODERS)}, got {kind!r}'
                          f'{nearest(kind, ENCODERS)}')
    return ENCODERS[kind]


def build_encoder(config: Mapping[str, Any]) -> FrozenNetwork:
    """Build the frozen encoder of ``dict(type=..., ...)``: images B x 3 x H x W -> B x C x h x w.

    It has ``out_channels`` (C), no parameters and an empty state dict. With ``checkpoint=None`` its
    weights are random, and the same in every training, test and folder of maps.

    Raises:
        ConfigError, MissingFile, CheckpointError: as the encoder's class says.
    """
    arguments = dict(config)
    kind = arguments.pop('type', DEFAULT)
    try:
        encoder = encoder_class(kind)(**arguments)
        if arguments.get('checkpoint', kind) is not None:
            return encoder
        with torch.random.fork_rng(devices=[]):  # what is drawn later does not depend on it
            torch.manual_seed(0)
            return encoder_class(kind)(**arguments)
    except TypeError as error:
        raise ConfigError(f"encoder of type '{kind}': {error}") from error
