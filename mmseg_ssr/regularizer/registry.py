"""Classes of frozen networks by the names that configs use."""
from typing import Any, Callable, Dict, Mapping, Optional

from ..errors import ConfigError, nearest
from .frozen import FrozenNetwork

Class = type


class FrozenRegistry(Dict[str, Class]):
    """The classes of one kind of frozen network: name -> class.

    Args:
        base: class that all of them derive from.
        what: what they are, for messages.
        key: key of a config whose dict names one, for messages.
        default: name in a dict without a type.
        classes: the first of them.
    """

    def __init__(self, base: Class, what: str, key: str, default: Optional[str] = None,
                 **classes: Class):
        super().__init__(classes)
        self.base, self.what, self.key, self.default = base, what, key, default

    def register(self, name: str) -> Callable[[Class], Class]:
        """Class decorator: ``dict(type=name, ...)`` builds the class.

        Raises:
            TypeError: the class does not derive from the base, so it would be trained and saved.
            ValueError: another class has the name.
        """

        def enter(cls: Class) -> Class:
            if not issubclass(cls, self.base):
                raise TypeError(f'the {self.what} {cls.__name__} must be derived from '
                                f'{self.base.__name__}')
            if self.setdefault(name, cls) is not cls:
                raise ValueError(f'{self[name].__name__} has the name {name!r} already')
            return cls

        return enter

    def find(self, config: Mapping[str, Any]) -> Class:
        """Return the class that ``dict(type=..., ...)`` names.

        Raises:
            ConfigError: the type is unknown. The error has the nearest valid name.
        """
        kind = config.get('type', self.default)
        if not isinstance(kind, str) or kind not in self:
            raise ConfigError(f'{self.key}.type must be one of {sorted(self)}, got {kind!r}'
                              f'{nearest(kind, self)}')
        return self[kind]

    def build(self, config: Mapping[str, Any]) -> FrozenNetwork:
        """Build the network of ``dict(type=..., ...)``.

        Raises:
            ConfigError: the type or an argument is unknown, or as the class says.
            MissingFile, CheckpointError: as the class says.
        """
        found = self.find(config)
        arguments = {name: value for name, value in config.items() if name != 'type'}
        try:
            return found(**arguments)
        except TypeError as error:
            kind = config.get('type', self.default)
            raise ConfigError(f"{self.key} of type '{kind}': {error}") from error
