"""Tables for people and a JSON file for programs."""
import json
import sys
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..utils.atomic_file import write_atomic

GIB = 2 ** 30
TERA = 1e12
NOT_MEASURED = 'not measured'


@dataclass
class Report:
    """The result of a benchmark.

    Attributes:
        tables: (title, Markdown table), in order.
        notes: lines for the reader.
        left_out: reasons for what could not be measured.
        record: the same for the JSON file.
        figures: SVG files beside the JSON file, by name.
    """
    tables: List[Tuple[str, str]] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    left_out: List[str] = field(default_factory=list)
    record: Dict[str, Any] = field(default_factory=dict)
    figures: Dict[str, bytes] = field(default_factory=dict)

    def text(self) -> str:
        parts = [f'**{title}**\n\n{table}\n' for title, table in self.tables]
        return '\n'.join(parts + self.notes + [f'left out: {why}' for why in self.left_out])


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Format an aligned table: the first column to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in [headers, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]

    def line(row: Sequence[str]) -> str:
        aligned = [cell.ljust(width) if i == 0 else cell.rjust(width)
                   for i, (cell, width) in enumerate(zip(row, widths))]
        return f'| {" | ".join(aligned)} |'

    rule = [('-' * width if i == 0 else '-' * (width - 1) + ':')
            for i, width in enumerate(max(width, 3) for width in widths)]
    widths = [max(width, 3) for width in widths]
    return '\n'.join([line(cells[0]), f'| {" | ".join(rule)} |', *map(line, cells[1:])])


def number(value: Optional[float], digits: int = 3, unit: str = '') -> str:
    """Format a number with this many significant digits, or say that it was not measured."""
    if value is None:
        return NOT_MEASURED
    text = f'{value:.{digits}g}'
    return (f'{float(text):.0f}' if 'e+' in text else text) + unit


def share(value: Optional[float]) -> str:
    """0.347 -> '35 %'."""
    return NOT_MEASURED if value is None else f'{100 * value:.0f} %'


def ratio(record: Dict[str, Any], key: str) -> str:
    """Format a ratio of the record, if it has one."""
    return number(record[key], unit='x') if key in record else '-'


def spread(record: Dict[str, Any]) -> str:
    """Median, smallest and largest number of seconds."""
    return (f'{number(record["seconds"])} ({number(record["seconds_min"])}-'
            f'{number(record["seconds_max"])})')


def write_json(path: str, record: Dict[str, Any], command: Optional[Sequence[str]] = None) -> None:
    """Write the record, completely or not at all, with the command that made it.

    Raises:
        UnwritableFile: the folder is missing or cannot be written.
    """
    record = dict(record, command=list(sys.argv if command is None else command))
    write_atomic(path, (json.dumps(record, indent=2, sort_keys=True) + '\n').encode())


def heading(about: Dict[str, Any]) -> str:
    """Machine, versions and settings in one line."""
    machine, versions, settings = about['machine'], about['versions'], about['settings']
    kinds = [name for name, on in about.get('tf32', {}).items() if on]
    return ', '.join([
        about['date'][:10], machine.get('accelerator') or machine['processor'],
        f'{machine["cores"]} cores, {machine["memory_bytes"] / GIB:.0f} GiB',
        f'device {settings["device"]}, {settings["threads"]} threads',
        *([f'TF32 in {" and ".join(kinds)}'] if kinds else []),
        f'median of {settings["repeats"]}', f'torch {versions.get("torch", "?")}',
        f'load {machine["load"]:.1f} at the start'])
