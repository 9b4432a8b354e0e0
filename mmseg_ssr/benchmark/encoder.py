"""Single networks beside the same networks of other packages."""
import os
import tempfile
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, Callable, Dict, List, Optional, Sequence

import cv2
import numpy as np

from ..errors import ConfigError, MissingFile, nearest
from .cases import Case, Outcome, Settings, measure_cases
from .methods import SMALL_BACKBONE, SMALL_SAM, Size
from .networks import averaging, mit_encoding, regularizing, sam_encoding
from .peers import MIT_ENCODERS, SAM_ENCODERS, random_sam_weights
from .rates import matrix_cases, matrix_rates
from .report import GIB, TERA, Report, markdown_table, number, ratio, share, spread

MIT_WIDTHS = (64, 128, 320, 512)
FULL_SAM = 1024
CROP = 512
#: Memory below this number of bytes is not compared.
LITTLE = 2 ** 24


@dataclass
class Comparison:
    """Cases that do the same thing.

    Attributes:
        title: title of the table.
        cases: the first case is ours; the others are compared with it.
        similar: cases whose output differs on purpose; they are compared by cosine similarity.
        absent: packages of further cases that are not installed.
    """
    title: str
    cases: List[Case]
    similar: List[str] = field(default_factory=list)
    absent: List[str] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """Options of ``mmseg-ssr benchmark encoder``; see its ``--help``."""
    size: Size = Size()
    sam_sizes: Sequence[int] = (512, )
    sam_checkpoint: Optional[str] = None
    sam_batch: int = 1


def benchmark_encoder(only: Sequence[str], options: Options, settings: Settings) -> Report:
    """Time the networks named in ``only``, in turn with their peers.

    Raises:
        ConfigError: a network is unknown.
        MissingFile: the SAM weights are missing.
    """
    report = Report(record=dict(cases={}, size=options.size._asdict()))
    for name in only:
        if name not in COMPARISONS:
            raise ConfigError(f'--only: unknown network {name}{nearest(name, COMPARISONS)} '
                              f'(there are {", ".join(COMPARISONS)})')
    rates: Dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in only:
            for comparison in COMPARISONS[name](options, folder):
                cases = matrix_cases(settings, ['float32'], options.size.small)
                cases += [case for case in comparison.cases
                          if case.keep_memory or settings.device == 'cpu']
                outcome = measure_cases(cases, settings)
                rates = matrix_rates(outcome)
                add_comparison(report, comparison, outcome, rates.get('float32'))
    report.record['matrix_rates'] = rates
    return report


def add_comparison(report: Report, comparison: Comparison, outcome: Outcome,
                   rate: Optional[float]) -> None:
    """Add a table to the report and the cases to its record. Outputs are compared and dropped."""
    ours = comparison.cases[0].name
    report.notes += [f'{package} is not installed: pip install {package} to compare with it'
                     for package in comparison.absent]
    report.left_out += outcome.left_out.values()
    if ours not in outcome.results:
        return
    outputs = {name: result.facts.pop('output') for name, result in outcome.results.items()
               if 'output' in result.facts}
    records = {case.name: outcome.results[case.name].record() for case in comparison.cases
               if case.name in outcome.results}
    own = records[ours]
    for name, record in records.items():
        if rate and record.get('flops'):
            record['matrix_rate_ratio'] = record['flops'] / record['seconds'] / rate
        if name == ours:
            continue
        record['ours_speed_ratio'] = record['seconds'] / own['seconds']
        if record['work_bytes'] > LITTLE:
            record['ours_memory_ratio'] = own['work_bytes'] / record['work_bytes']
        if name in comparison.similar:
            record['cosine_similarity'] = cosine_similarity(outputs[name], outputs[ours])
        else:
            record['difference'] = relative_difference(outputs[name], outputs[ours])
    report.record['cases'].update(records)
    report.tables.append((comparison.title, comparison_table(records)))


def comparison_table(records: Dict[str, Dict[str, Any]]) -> str:
    rows = []
    for name, record in records.items():
        output = '-'
        if 'difference' in record:
            output = f'{record["difference"]:.1e} apart'
        elif 'cosine_similarity' in record:
            output = f'cosine {record["cosine_similarity"]:.4f}'
        rows.append([
            name, spread(record), number(record['work_bytes'] / GIB),
            number(record['flops'] / TERA) if record.get('flops') else '-',
            share(record['matrix_rate_ratio']) if 'matrix_rate_ratio' in record else '-',
            ratio(record, 'ours_speed_ratio'), ratio(record, 'ours_memory_ratio'), output])
    return markdown_table(['case', 'seconds (min-max)', 'working GiB', 'TFLOP', 'of matrix rate',
                           'this / ours, time', 'ours / this, memory', 'output'], rows)


def relative_difference(value: np.ndarray, expected: np.ndarray) -> float:
    """Largest absolute difference, divided by the largest absolute value."""
    return float(np.abs(value - expected).max() / np.abs(expected).max())


def cosine_similarity(value: np.ndarray, expected: np.ndarray) -> float:
    """Mean cosine between the positions of B x C x h x w maps. The first map is resized."""
    height, width = expected.shape[2:]
    cosines = []
    for a, b in zip(value, expected):
        a = np.stack([cv2.resize(channel, (width, height)) for channel in a])
        cosines.append((a * b).sum(0) / (np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)))
    return float(np.mean(cosines))


# ------------------------------------------------------------------ the comparisons
def compare_sam(options: Options, folder: str) -> List[Comparison]:
    """SAM ViT-B: other packages at full size, and ours at smaller sizes too."""
    small = options.size.small
    encoder_args = dict(SMALL_SAM) if small else None
    full = 64 if small else FULL_SAM
    sizes = (32, ) if small else options.sam_sizes
    checkpoint = options.sam_checkpoint
    if checkpoint is None:
        checkpoint = os.path.join(folder, 'sam.pth')
        random_sam_weights(checkpoint, encoder_args)
    elif not os.path.isfile(checkpoint):
        raise MissingFile(f'--sam-checkpoint {checkpoint} is missing')
    arguments = dict(checkpoint=checkpoint, encoder_args=encoder_args, batch=options.sam_batch,
                     crop=options.size.crop or CROP)
    absent = [package for package in SAM_ENCODERS if find_spec(package) is None]
    cases = [Case(f'sam {full}, {package}', sam_encoding, dict(
        package=package, size=full, **arguments)) for package in SAM_ENCODERS
        if package not in absent]
    smaller = [Case(f'sam {size}, mmseg_ssr', sam_encoding, dict(
        package='mmseg_ssr', size=size, **arguments)) for size in sizes if size != full]
    weights = 'random weights' if options.sam_checkpoint is None else 'given weights'
    return [Comparison(f'SAM ViT-B image encoder, {options.sam_batch} image(s), {weights}',
                       with_their_memory(cases) + smaller, [case.name for case in smaller], absent)]


def with_their_memory(cases: List[Case]) -> List[Case]:
    """Add the first peer as its own programs run it on a CPU: they give freed memory back."""
    return cases + [replace(case, name=f'{case.name}, memory given back', keep_memory=False)
                    for case in cases[1:2]]


def compare_mit(options: Options, folder: str) -> List[Comparison]:
    """MiT, ours and mmseg's: forward alone, and forward with backward."""
    name = options.size.backbone or (SMALL_BACKBONE if options.size.small else 'mit_b5')
    arguments = dict(name=name, crop=options.size.crop or CROP, batch=options.size.batch)
    return [
        Comparison(f'{name}, {ways}', with_their_memory([
            Case(f'{name} {ways}, {package}', mit_encoding, dict(
                package=package, train=train, **arguments)) for package in MIT_ENCODERS]))
        for ways, train in (('forward', False), ('forward + backward', True))]


def compare_regularizer(options: Options, folder: str) -> List[Comparison]:
    """The four cross-attentions, fused and unfused."""
    small = options.size.small
    arguments = dict(
        channels=MIT_WIDTHS, crop=options.size.crop or CROP, batch=options.size.batch,
        context=(256, 4 if small else FULL_SAM // 16))
    return [Comparison('Regularizer, four stages, forward + backward', [
        Case(f'regularizer, {name}', regularizing, dict(fused=fused, **arguments))
        for name, fused in (('mmseg_ssr', True), ('unfused attention', False))])]


def compare_ema(options: Options, folder: str) -> List[Comparison]:
    """One update of the teacher."""
    return [Comparison('Teacher update (EMA)', [
        Case(f'ema, {name}', averaging, dict(how=how, size=options.size))
        for name, how in (('mmseg_ssr', 'own'), ('tensor by tensor, in place', 'in place'),
                          ('tensor by tensor, by copies', 'by copies'))])]


COMPARISONS: Dict[str, Callable[[Options, str], List[Comparison]]] = {
    'sam': compare_sam,
    'mit': compare_mit,
    'regularizer': compare_regularizer,
    'ema': compare_ema,
}
