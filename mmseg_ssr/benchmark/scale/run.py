"""The tables of growth: iterations by size, and starts of data sets by number of images."""
from dataclasses import replace
from typing import Any, Callable, Dict, List, Sequence

from ...errors import UserError
from ..cases import Case, Settings, measure_cases, on_host
from ..methods import EXACT, SMALL, Size
from ..report import GIB, TERA, Report, markdown_table, number, spread
from ..step import iteration_case
from .figure import Growth, growth_figure
from .folders import Start
from .processes import Processes

METHOD = 'daformer_ssr'
MEBI = 2 ** 20


def benchmark_scale(parts: Sequence[str], values: Dict[str, Sequence[Any]], size: Size,
                    settings: Settings) -> Report:
    """Measure how time and memory grow.

    Args:
        parts: names in :data:`PARTS`.
        values: for each part, what to measure it at, in ascending order.

    Raises:
        UserError: nothing could be measured.
    """
    report = Report(record=dict(cases={}, size=size._asdict()))
    for part in parts:
        PARTS[part](report, part, values[part], size,
                    on_host(settings) if part in ON_HOST else settings)
    if not report.record['cases']:
        raise UserError(f'nothing could be measured: {"; ".join(report.left_out)}')
    return report


def iterations(report: Report, part: str, values: Sequence[Any], size: Size,
               settings: Settings) -> None:
    """Measure iterations of DAFormer + SSR at each value, one process at a time."""
    records = {}
    for value in values:
        name = f'{part} {value}'
        try:
            case = replace(sized_case(part, value, size), name=name)
            outcome = measure_cases([case], settings)
        except UserError as error:
            report.left_out.append(f'{name}: {error}')
            continue
        records[name] = dict(outcome.results[name].record(), crop=case.arguments['crop'],
                             batch=case.arguments['batch'])
    if not records:
        return
    report.record['cases'].update(records)
    report.figures[part] = growth_figure('counted operations', add_growth(records))
    rows = [[name, spread(record), number(record['peak_bytes'] / GIB),
             number(record['flops'] / TERA), *(f'{record[key]:.2f}x' for key in (
                 'seconds_growth', 'flops_growth', 'memory_growth'))]
            for name, record in records.items()]
    report.tables.append((f'Iterations of {METHOD} by {part}', markdown_table(
        [part, 'seconds (min-max)', 'peak GiB', 'TFLOP', 'this / first, time', 'arithmetic',
         'memory'], rows)))
    if len(records) > 1 and all('part_seconds' in record for record in records.values()):
        report.tables.append((f'Parts of {METHOD} by {part}, this / first, time / arithmetic',
                              parts_growth_table(records)))


def sized_case(part: str, value: Any, size: Size) -> Case:
    """Make the case of an iteration at a crop side or a batch size, with an encoder, or of several
    processes with small networks."""
    if part == 'processes':
        case = iteration_case(METHOD, EXACT, SMALL if size.small else SMALL._replace(crop=256))
        return Case(f'{value} processes', Processes, dict(case.arguments, processes=value))
    if part != 'encoder':
        return iteration_case(METHOD, EXACT, size._replace(**{part: value}))
    case = iteration_case(METHOD, EXACT, size)
    regularizer = case.arguments['config'].uda['regularizer']
    regularizer['encoder'].update(variant=value, checkpoint=None)
    return case


def starts(report: Report, part: str, values: Sequence[int], size: Size,
           settings: Settings) -> None:
    """Measure the starts of a target and of a source at each number of images."""
    for kind, labeled in (('target', False), ('source', True)):
        records = {}
        for images in values:
            name = f'{kind}, {images} images'
            case = Case(name, Start, dict(images=images, labeled=labeled))
            try:
                outcome = measure_cases([case], settings)
            except UserError as error:
                report.left_out.append(str(error))
                continue
            records[name] = outcome.results[name].record()
        growth = add_growth(records, 'images', 'work_bytes')
        report.record['cases'].update(records)
        if growth:
            report.figures[f'{part}_{kind}'] = growth_figure('images', growth)
        report.tables.append((f'Start of a {kind} over empty files', markdown_table(
            ['images', 'seconds (min-max)', 'working MiB', 'microseconds an image',
             'bytes an image'],
            [[record['images'], spread(record), number(record['work_bytes'] / MEBI),
              number(1e6 * record['seconds'] / record['images']),
              number(record['work_bytes'] / record['images'])] for record in records.values()])))


def add_growth(records: Dict[str, Dict[str, Any]], size: str = 'flops',
               memory: str = 'peak_bytes') -> Growth:
    """Add how many times the first record's size, time and memory each one has, and return it.

    Args:
        records: records by name, the smallest first.
        size, memory: keys of what time should follow, and of the memory that counts.
    """
    first: Dict[str, Any] = next(iter(records.values()), {})
    growth: Growth = {}
    for name, record in records.items():
        grown = [record[key] / first[key] for key in (size, 'seconds', memory)]
        record.update(zip((f'{size}_growth', 'seconds_growth', 'memory_growth'), grown))
        growth[name] = (grown[0], grown[1], grown[2])
    return growth


def parts_growth_table(records: Dict[str, Dict[str, Any]]) -> str:
    """Table of how many times its first time and its first arithmetic each part has, the longest
    of the last record first."""
    first, *later = records.values()
    last = later[-1]['part_seconds']
    rows = []
    for part in sorted(first['part_seconds'], key=lambda part: last.get(part, 0), reverse=True):
        cells = [' / '.join(f'{record[key].get(part, 0) / first[key][part]:.2f}x'
                            if first[key].get(part) else '-'
                            for key in ('part_seconds', 'part_flops')) for record in later]
        rows.append([part, number(first['part_seconds'][part]), *cells])
    return markdown_table(['part', f'seconds, {next(iter(records))}', *list(records)[1:]], rows)


#: What is varied -> what measures it.
PARTS: Dict[str, Callable[..., None]] = dict(
    images=starts, crop=iterations, batch=iterations, encoder=iterations, processes=iterations)
#: Parts that no accelerator takes part in.
ON_HOST = ('images', 'processes')
VALUES: Dict[str, List[Any]] = dict(
    images=[100, 1000, 10_000, 100_000], crop=[256, 512, 768, 1024], batch=[1, 2, 4, 8],
    encoder=['vit_t', 'vit_b', 'vit_l', 'vit_h'], processes=[1, 2, 4])
SMALL_VALUES: Dict[str, List[Any]] = dict(
    images=[10, 100], crop=[64, 128], batch=[1, 2], encoder=['vit_b'],
    processes=[1, 2])
