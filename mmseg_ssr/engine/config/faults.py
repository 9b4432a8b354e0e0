"""Faults of a config: all of them, with one line for each cause, also of errors of libraries."""
import re
from typing import Any, Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set

from mmcv import Config

from ...errors import ConfigError, Meaning, UserError, is_wrong_value, said

#: The part of a path that names the data set of a pipeline.
OWNER = re.compile(r'\bdata[.\w]*?\.(?=\w*pipeline\b)')
#: List positions at the end of a path.
NUMBERS = re.compile(r'(\.\d+)+$')


class Fault(NamedTuple):
    """A fault of a key.

    Attributes:
        path: path of the key, with dots. It is empty if only the text tells the key.
        text: line for the user.
        also: paths of further keys that it explains, such as the key that was probably meant.
    """
    path: str
    text: str
    also: Sequence[str] = ()


class Faults:
    """A collection of faults without those that follow from an earlier one.

    A fault of a key explains all other faults of the same key, of keys inside it and of keys around
    it. If several data sets share a pipeline, a fault of the pipeline counts once.

    Attributes:
        found: faults in the order in which they were found.
    """

    def __init__(self) -> None:
        self.found: List[Fault] = []
        self._paths: Set[str] = set()
        self._shared: Set[str] = set()

    def add(self, faults: Iterable[Fault]) -> None:
        """Add the faults that no earlier one explains."""
        for fault in faults:
            shared = OWNER.sub('', fault.text)
            if shared not in self._shared and not any(
                    _related(fault.path, path) for path in self._paths):
                self.found.append(fault)
                self._shared.add(shared)
                self._paths.update(filter(None, (fault.path, *fault.also)))

    def add_of(self, check: Callable[[Mapping[str, Any]], None], value: Mapping[str, Any],
               path: str, prefix: str = '') -> None:
        """Add the faults that another check finds in the dict at ``path``.

        The check gets only the keys that have no fault yet.

        Args:
            check: function that raises a :class:`~mmseg_ssr.errors.ConfigError`.
            value: the dict.
            path: path of the dict in the config.
            prefix: text before each of its lines.
        """
        names = {NUMBERS.sub('', one).rpartition('.')[2]
                 for one in self._paths if one.startswith(f'{path}.')}
        try:
            check(self.without(value, path))
        except ConfigError as error:
            self.add(Fault('', f'{prefix}{line}') for line in error.problems
                     if not names & set(re.findall(r'\w+', line)))

    def without(self, value: Any, path: str = '') -> Any:
        """Copy the part of a config at ``path`` without the keys that have a fault."""
        if isinstance(value, dict):
            return {key: self.without(item, inner) for key, item in value.items()
                    if (inner := f'{path}.{key}' if path else str(key)) not in self._paths}
        if isinstance(value, (list, tuple)):
            return type(value)(self.without(item, inner) for i, item in enumerate(value)
                               if (inner := f'{path}.{i}') not in self._paths)
        return value

    def raise_error(self, where: str) -> None:
        """Raise one :class:`~mmseg_ssr.errors.ConfigError` with all faults, if there are any."""
        if self.found:
            raise ConfigError(*(f'{where}: {fault.text}' for fault in self.found))


def _related(path: str, other: str) -> bool:
    return path == other or path.startswith(f'{other}.') or bool(path) and other.startswith(
        f'{path}.')


def config_fault(cfg: Config, path: str, doing: str = 'cannot be built') -> Meaning:
    """Blame an error on the key ``path``, for :func:`~mmseg_ssr.errors.explained`.

    A :class:`~mmseg_ssr.errors.UserError` keeps its class. Its lines get the file and the key. Any
    error keeps its cause.
    """

    def meaning(error: Exception) -> Optional[UserError]:
        if isinstance(error, UserError):
            joined = error.__context__  # mmcv's builder joins several lines into one text
            if isinstance(joined, UserError) and len(joined.problems) > len(error.problems):
                error = joined
            return error.reworded(lambda line: f'{line} ({path} in {cfg.filename})')
        if is_wrong_value(error):
            return ConfigError(f'{cfg.filename}: {path} {doing}: {said(error)}')
        return None

    return meaning
