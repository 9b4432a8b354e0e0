"""The run: pieces within a budget of time, in a file from which the next run goes on."""
import dataclasses
import json
import logging
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

from ...errors import ConfigError, UserError
from ..report import NOT_MEASURED, Report, markdown_table, number, write_json
from ..step import add_iterations
from .pieces import Piece, Setup, pieces

logger = logging.getLogger(__name__)

#: What has to be the same for figures to stand in one file.
SAME = ('accelerator', 'processor', 'torch', 'device', 'threads', 'repeats', 'calls', 'tf32',
        'size', 'format')
#: What records of pieces hold. It changes when their keys do.
FORMAT = 2


def benchmark_gpu(path: str, setup: Setup, about: Dict[str, Any], minutes: float,
                  only: Optional[Sequence[str]] = None,
                  clock: Callable[[], float] = time.monotonic) -> Report:
    """Measure the pieces that are not in the file yet, as far as the time reaches.

    Args:
        path: JSON file of finished pieces. It is written after each piece.
        setup: what the pieces have in common.
        about: machine, versions, settings and date, for the file.
        minutes: time of this run. What still runs at its end is left out.
        only: beginnings of the names of pieces to measure; None measures all.
        clock: reading in seconds.

    Raises:
        ConfigError: the file holds figures of another machine or size, or is no such file, or no
            piece has such a name.
    """
    until = clock() + 60 * minutes
    every = pieces(setup)
    planned = chosen(every, only)
    record = begin(path, about, setup)
    late: Dict[str, str] = {}
    for piece in planned:
        if piece.name in record['pieces']:
            continue
        start = clock()
        left = until - start
        if left < piece.seconds * (0.1 if setup.size.small else 1):
            late[piece.name] = 'no time was left'
            continue
        logger.info('%s (%.0f s left)', piece.name, left)
        found = measured(piece, setup._replace(settings=dataclasses.replace(
            setup.settings, until=until)))
        if found['missing']:
            late[piece.name] = '; '.join(found['missing'])
        before = record['unfinished'].pop(piece.name, found)
        if not any(found['records'].values()) and found['missing']:
            found = dict(before, missing=found['missing'])
        record['pieces' if not found['missing'] else 'unfinished'][piece.name] = dict(
            found, seconds=clock() - start)
        write_json(path, record)
    return report_of(record, [piece.name for piece in every], late)


def chosen(planned: List[Piece], only: Optional[Sequence[str]]) -> List[Piece]:
    """Return the pieces whose names begin as asked for.

    Raises:
        ConfigError: no piece begins so.
    """
    for start in only or ():
        if not any(piece.name.startswith(start) for piece in planned):
            raise ConfigError(f'--only {start}: no piece begins so (there are '
                              f'{", ".join(piece.name for piece in planned)})')
    return [piece for piece in planned
            if only is None or any(piece.name.startswith(start) for start in only)]


def begin(path: str, about: Dict[str, Any], setup: Setup) -> Dict[str, Any]:
    """Return the record in the file, which says when it was begun, or a new one.

    Raises:
        ConfigError: the file cannot be continued.
    """
    new = dict(about, format=FORMAT, size=setup.size._asdict(), pieces={}, unfinished={})
    if not Path(path).exists():
        return new
    try:
        old = json.loads(Path(path).read_text())
        differing = [key for key in SAME if identity(old)[key] != identity(new)[key]]
        if not {'pieces', 'unfinished'} <= old.keys():
            raise ValueError('it has no pieces')
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f'--json {path} is no file of this command: give another one') from error
    if differing:
        raise ConfigError(f'--json {path} holds figures of another {", ".join(differing)}: give '
                          'another file, or remove it')
    return old


def identity(record: Dict[str, Any]) -> Dict[str, Any]:
    """Return what tells whether the figures of two records may stand in one file."""
    settings = {key: record['settings'][key] for key in ('device', 'threads', 'repeats', 'calls')}
    return dict(settings, accelerator=record['machine'].get('accelerator'),
                processor=record['machine']['processor'], torch=record['versions'].get('torch'),
                tf32=record.get('tf32'), size=record['size'], format=record.get('format'))


def measured(piece: Piece, setup: Setup) -> Dict[str, Any]:
    """Measure a piece. What keeps it from running is among its missing parts."""
    try:
        return dataclasses.asdict(piece.measure(setup))
    except UserError as error:
        return dict(records={}, tables=[], notes=[], missing=[str(error)])


def report_of(record: Dict[str, Any], order: Sequence[str], late: Dict[str, str]) -> Report:
    """Make the tables from all pieces that a file has, those that ``order`` names first."""
    report = Report(record=record)
    pieces_there = {**record['unfinished'], **record['pieces']}
    found = [pieces_there[name] for name in dict.fromkeys([*order, *pieces_there])
             if name in pieces_there]
    rows = {key: merged(found, key) for key in (
        'matrix_rates', 'memory_rates', 'iterations', 'equality', 'waits', 'repeats')}
    if rows['matrix_rates']:
        report.tables.append(('Matrix products', markdown_table(['type', 'TFLOP/s'], [
            [name, number(rate / 1e12)] for name, rate in rows['matrix_rates'].items()])))
    for name, rate in rows['memory_rates'].items():
        report.tables.append(('Memory', markdown_table(
            ['traffic', 'GB/s, read and written'], [[name, number(rate / 1e9)]])))
    if rows['iterations']:
        add_iterations(report, rows['iterations'], rows['matrix_rates'])
    for title, headers, line in CHECKS:
        if rows[title]:
            report.tables.append((TITLES[title], markdown_table(
                headers, [line(name, row) for name, row in rows[title].items()])))
    for piece in found:
        report.tables += map(tuple, piece['tables'])
        report.notes += piece['notes']
    report.tables.sort(key=lambda table: table[0].startswith('Parts of'))
    report.notes = list(dict.fromkeys(report.notes))
    late = {**{name: '; '.join(piece['missing']) for name, piece in record['unfinished'].items()},
            **late}
    report.notes += [f'{NOT_MEASURED}: {name}: {why}' for name, why in late.items()]
    if late:
        report.notes.append('the same command goes on with what is not measured')
    return report


def _waits(name: str, waits: Optional[int]) -> str:
    """Return a number of waits, and that it is too high if losses are not read."""
    return number(waits) + (' (must be 0)' if waits and 'unwatched' in name else '')


def merged(found: Sequence[Dict[str, Any]], key: str) -> Dict[str, Any]:
    return {name: row for piece in found for name, row in piece['records'].get(key, {}).items()}


TITLES = dict(equality='Losses and pseudo-labels of one iteration, beside float32',
              waits='Waits of the host for the device in one iteration',
              repeats='Trainings that repeat')
CHECKS = (
    ('equality', ['mode', 'largest difference of a loss / their sum', 'same pseudo-labels'],
     lambda name, row: [name, f'{row["losses_difference"]:.1e}',
                        f'{100 * row["same_labels_ratio"]:.3f} %']),
    ('waits', ['mode', 'waits', 'where'], lambda name, row: [
        name, _waits(name, row['waits']), ', '.join(row['places'][:5]) or '-']),
    ('repeats', ['two trainings', 'tensors equal to the bit', 'largest difference'],
     lambda name, row: [
        name, f'{row["equal"]} of {row["tensors"]}', f'{row["difference"]:.1e}']),
)
