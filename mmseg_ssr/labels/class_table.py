"""The classes of your own data set: names, colors, and values in label images."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

import numpy as np

from ..errors import ConfigError, UnknownValue, nearest
from .files import PathLike, count_pixels, read_values
from .ignore_index import IGNORE_INDEX
from .statistics import Counts

REST = 'rest'
KEYS = ('name', 'color', 'ids', 'thing')
#: A color has the value ``COLOR | red << 16 | green << 8 | blue``, which no id has.
COLOR = 1 << 24
MAX_ID = 65535

Entry = Union[str, Mapping]


@dataclass(frozen=True)
class ClassTable:
    """The meaning of the values in label images.

    Attributes:
        names: names of the classes. The position is the class that the network learns.
        palette: a color (R, G, B) for each class.
        meaning: value -> class, or :data:`IGNORE_INDEX` for ignored values. Values are ids in
            labels with one channel, and colors coded as at :data:`COLOR`.
        ignores_rest: whether values that are not in ``meaning`` are ignored too.
        remedy: what to do about a value that is not in the table, for a message. By default, to
            put it into the config.
    """

    names: Tuple[str, ...]
    palette: List[List[int]]
    meaning: Dict[int, int]
    ignores_rest: bool = False
    remedy: str = ''

    @classmethod
    def from_config(cls, classes: Sequence[Entry], ignore: Union[str, Sequence] = (),
                    remedy: str = '') -> 'ClassTable':
        """Make a table from the entries of a config.

        Args:
            classes: for each class its name, or ``dict(name=, ids=[...], color=[R, G, B])``.
                ``ids`` are its values in labels with one channel, by default its position.
                ``color`` is its color in pictures, and in labels with three channels. Of several
                colors, ``[[R, G, B], ...]``, pictures have the first.
                ``thing=True`` may be noted for the user's own use.
            ignore: further ids and colors to ignore. 255 is ignored too if no class has it.
                ``'rest'`` means all values that no class has.
            remedy: see the attribute.

        Raises:
            ConfigError: a key, name, id or color is wrong or given twice.
        """
        if not isinstance(classes, Sequence) or isinstance(classes, str) or not classes:
            raise ConfigError('classes must be a list of names, or of dict(name=, ids=, color=), '
                              f'got {classes!r}')
        entries = [_entry(entry, i) for i, entry in enumerate(classes)]
        names = tuple(entry['name'] for entry in entries)
        repeated = [name for name in names if names.count(name) > 1]
        if repeated or len(names) > IGNORE_INDEX:
            raise ConfigError(f'classes must have different names, got {repeated[0]!r} twice'
                              if repeated else f'{len(names)} classes, at most {IGNORE_INDEX} fit')
        _give_ids(entries)
        meaning: Dict[int, int] = {}
        for i, entry in enumerate(entries):
            for value in [*entry['ids'], *map(_color, entry['colors'])]:
                if value in meaning:
                    raise ConfigError(f'classes {names[meaning[value]]!r} and {names[i]!r} both '
                                      f'have {describe(value)}')
                meaning[value] = i
        for value in [] if ignore == REST else map(_value, _list(ignore)):
            if value in meaning and meaning[value] != IGNORE_INDEX:
                raise ConfigError(f'{describe(value)} is in ignore and in class '
                                  f'{names[meaning[value]]!r}')
            meaning[value] = IGNORE_INDEX
        meaning.setdefault(IGNORE_INDEX, IGNORE_INDEX)
        palette = [list(entry['colors'][0] if entry['colors'] else drawn)
                   for entry, drawn in zip(entries, _spread_colors(len(entries)))]
        return cls(names, palette, meaning, ignore == REST, remedy)

    def read(self, path: PathLike) -> np.ndarray:
        """Read the classes of a label image, H x W uint8, 255 for ignored pixels.

        Raises:
            MissingFile, DataError: the file is missing or damaged, or a value is not in the table.
        """
        values = _coded(read_values(path))
        if values.dtype == np.uint8:
            table = np.array([self.meaning.get(i, -1) for i in range(256)], dtype=np.int16)
            classes = table[values]
        else:
            known = np.array(sorted(self.meaning), dtype=np.int32)
            meant = np.array([self.meaning[int(value)] for value in known], dtype=np.int16)
            place = np.minimum(np.searchsorted(known, values), len(known) - 1)
            classes = np.where(known[place] == values, meant[place], np.int16(-1))
        if (classes < 0).any():
            if not self.ignores_rest:
                raise self._unknown(int(values[classes < 0][0]), path)
            classes[classes < 0] = IGNORE_INDEX
        return classes.astype(np.uint8)

    def count(self, path: PathLike) -> Counts:
        """Count the pixels of each value, ignored ones too, so that counts outlive a changed table.

        Raises:
            MissingFile, DataError: the file is missing or damaged, or a value is not in the table.
        """
        label = _coded(read_values(path))
        if label.dtype == np.uint8:
            counts = count_pixels(label)
        else:
            values, pixels = np.unique(label, return_counts=True)
            counts = dict(zip(values.tolist(), pixels.tolist()))
        self.by_class(counts, path)
        return counts

    def by_class(self, counts: Mapping, path: PathLike) -> Counts:
        """Turn pixels of each value into pixels of each class.

        Raises:
            UnknownValue: a value is not in the table.
        """
        classes: Counts = {}
        for value, pixels in counts.items():
            meant = self.meaning.get(value, IGNORE_INDEX if self.ignores_rest else None)
            if meant is None:
                raise self._unknown(value, path)
            if meant != IGNORE_INDEX:
                classes[meant] = classes.get(meant, 0) + pixels
        return classes

    def _unknown(self, value: int, path: PathLike) -> UnknownValue:
        where = 'color of a class' if value >= COLOR else 'ids of a class'
        listed = describe(value).partition(' ')[2]
        remedy = self.remedy or (f'put it into the {where} or into ignore (ignore=[{listed}]; '
                                 f'ignore={REST!r} leaves out all that no class has)')
        return UnknownValue(f'label {path} holds {describe(value)}, which the '
                            f'{"data set" if self.remedy else "config"} does not know: {remedy}')


def describe(value: int) -> str:
    """Describe a value as ``id 7`` or ``color [128, 64, 128]``."""
    if value < COLOR:
        return f'id {value}'
    return f'color {[value >> 16 & 255, value >> 8 & 255, value & 255]}'


def _entry(entry: Entry, position: int) -> dict:
    """A class as a dict with checked keys and values."""
    entry = dict(name=entry) if isinstance(entry, str) else entry
    where = f'classes.{position}'
    if not isinstance(entry, Mapping) or not isinstance(entry.get('name'), str):
        raise ConfigError(f'{where} must be a name or dict(name=, ids=, color=), got {entry!r}')
    for key in entry:
        if key not in KEYS:
            raise ConfigError(f'unknown key {where}.{key}'
                              f'{nearest(key, KEYS) or ", valid keys are " + ", ".join(KEYS)}')
    entry = dict(entry)
    entry['colors'] = _colors(entry['color']) if 'color' in entry else []
    if 'ids' in entry:
        entry['ids'] = [_id(value) for value in _list(entry['ids'])]
    return entry


def _give_ids(entries: List[dict]) -> None:
    """Use the position of each class as its id, if no class has ids."""
    without = [entry['name'] for entry in entries if 'ids' not in entry]
    if without and len(without) < len(entries):
        raise ConfigError(f'class {without[0]!r} has no ids, others have: give ids to all classes '
                          'or to none (then their positions count)')
    for i, entry in enumerate(entries):
        entry.setdefault('ids', [i])


def _value(value: Union[int, Sequence[int]]) -> int:
    return _color(value) if isinstance(value, Sequence) else _id(value)


def _id(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_ID:
        raise ConfigError(f'an id must be an integer in 0..{MAX_ID}, got {value!r}')
    return value


def _color(color: Sequence[int]) -> int:
    good = isinstance(color, Sequence) and len(color) == 3 and all(
        isinstance(c, int) and 0 <= c <= 255 for c in color)
    if not good:
        raise ConfigError(f'a color must be [red, green, blue] in 0..255, got {color!r}')
    red, green, blue = color
    return COLOR | red << 16 | green << 8 | blue


def _colors(color: Sequence) -> List[Sequence[int]]:
    """The checked colors of a class, which has one or several."""
    several = isinstance(color, Sequence) and color and isinstance(color[0], Sequence)
    colors = list(color) if several and not isinstance(color, str) else [color]
    for one in colors:
        _color(one)
    return colors


def _list(values: Union[int, Sequence]) -> List:
    if isinstance(values, int):
        return [values]
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ConfigError(f'ids and ignore must be lists of values, got {values!r}')
    return list(values)


def _coded(label: np.ndarray) -> np.ndarray:
    """H x W values: ids are unchanged, colors are coded as at :data:`COLOR`."""
    if label.ndim == 2:
        return label
    red, green, blue = (label[..., channel].astype(np.int32) for channel in range(3))
    return COLOR | red << 16 | green << 8 | blue


def _spread_colors(count: int) -> List[Optional[List[int]]]:
    """Distinct colors, for classes without one."""
    hues = (np.arange(count) * 0.618034) % 1.0
    return [[int(127.5 * (1 + np.cos(2 * np.pi * (hue + shift)))) for shift in (0, 1 / 3, 2 / 3)]
            for hue in hues]
