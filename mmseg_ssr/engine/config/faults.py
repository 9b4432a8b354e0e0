"""All that is wrong with a config, a line for each cause."""
import re
from typing import Any, Callable, Iterable, List, Mapping, NamedTuple, Sequence, Set

from ...errors import ConfigError

#: The data set that a pipeline is of, in a path.
OWNER = re.compile(r'\bdata[.\w]*?\.(?=\w*pipeline\b)')
#: Positions in lists, at the end of a path.
NUMBERS = re.compile(r'(\.\d+)+$')


class Fault(NamedTuple):
    """What is wrong with a key.

    Attributes:
        path: of the key, with dots; empty where only the text tells.
        text: the line for the user.
        also: paths of more keys that it explains, such as the one that was probably meant.
    """
    path: str
    text: str
    also: Sequence[str] = ()


class Faults:
    """Collects faults but those that follow from an earlier one.

    A fault of a key explains whatever else is wrong with the key, with what is inside it and with
    what is around it. A fault of a pipeline that several data sets share is one.

    Attributes:
        found: in the order in which they were found.
    """

    def __init__(self) -> None:
        self.found: List[Fault] = []
        self._paths: Set[str] = set()
        self._shared: Set[str] = set()

    def add(self, faults: Iterable[Fault]) -> None:
        """Take in those that no earlier one explains."""
        for fault in faults:
            shared = OWNER.sub('', fault.text)
            if shared not in self._shared and not any(
                    _related(fault.path, path) for path in self._paths):
                self.found.append(fault)
                self._shared.add(shared)
                self._paths.update(filter(None, (fault.path, *fault.also)))

    def add_of(self, check: Callable[[Mapping[str, Any]], None], value: Mapping[str, Any],
               path: str, prefix: str = '') -> None:
        """Add what another check says of the dict at ``path``, of which it gets the right keys.

        Args:
            check: raises a :class:`~mmseg_ssr.errors.ConfigError`.
            prefix: of its lines.
        """
        names = {NUMBERS.sub('', one).rpartition('.')[2]
                 for one in self._paths if one.startswith(f'{path}.')}
        try:
            check(self.without(value, path))
        except ConfigError as error:
            self.add(Fault('', f'{prefix}{line}') for line in error.problems
                     if not names & set(re.findall(r'\w+', line)))

    def without(self, value: Any, path: str = '') -> Any:
        """A copy of the part of a config at ``path`` without the keys that have a fault."""
        if isinstance(value, dict):
            return {key: self.without(item, inner) for key, item in value.items()
                    if (inner := f'{path}.{key}' if path else str(key)) not in self._paths}
        if isinstance(value, (list, tuple)):
            return type(value)(self.without(item, inner) for i, item in enumerate(value)
                               if (inner := f'{path}.{i}') not in self._paths)
        return value

    def raise_error(self, where: str) -> None:
        """Raise one :class:`~mmseg_ssr.errors.ConfigError` with all of them, if there are any."""
        if self.found:
            raise ConfigError(*(f'{where}: {fault.text}' for fault in self.found))


def _related(path: str, other: str) -> bool:
    return path == other or path.startswith(f'{other}.') or bool(path) and other.startswith(
        f'{path}.')
