"""The frozen encoders by the names that configs use."""
from typing import Any, Callable, Mapping, Type

from .frozen import FrozenNetwork
from .registry import FrozenRegistry
from .sam_encoder import FrozenSAMEncoder
from .timm_encoder import FrozenTimmEncoder

#: The default is the paper's.
ENCODERS = FrozenRegistry(FrozenNetwork, 'encoder', 'encoder', default='sam',
                          sam=FrozenSAMEncoder, timm=FrozenTimmEncoder)


def register_encoder(name: str) -> Callable[[Type[FrozenNetwork]], Type[FrozenNetwork]]:
    """Class decorator: ``encoder=dict(type=name, ...)`` in a config builds the class.

    The class derives from :class:`FrozenNetwork`. It takes images B x 3 x H x W, normalized as in
    the config's pipeline, and gives maps B x ``out_channels`` x h x w. Its instances have
    ``out_channels``.

    Raises:
        TypeError, ValueError: see :meth:`.FrozenRegistry.register`.
    """
    return ENCODERS.register(name)


def build_encoder(config: Mapping[str, Any]) -> FrozenNetwork:
    """Build the frozen encoder of ``dict(type=..., ...)``: images B x 3 x H x W -> B x C x h x w.

    It has ``out_channels`` (C), no parameters and an empty state dict.

    Raises:
        ConfigError, MissingFile, CheckpointError: see :meth:`.FrozenRegistry.build`.
    """
    return ENCODERS.build(config)
