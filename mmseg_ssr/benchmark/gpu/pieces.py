"""The pieces of the run, what matters most first."""
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from ...errors import UserError
from ..cases import Case, Outcome, Settings, measure_cases
from ..data import benchmark_data
from ..encoder import COMPARISONS, Options, benchmark_encoder
from ..inference import benchmark_inference
from ..methods import EXACT, Size
from ..rates import matrix_cases, matrix_rates, memory_case, memory_rates
from ..report import Report
from ..step import iteration_case, precisions, reference_case
from .checks import FirstIteration, Repeats, Waits, compared

SSR = 'daformer_ssr'
SSR_VIT_T = 'daformer_ssr_vit_t'
JOINT = 'joint+bf16'
COMPILED = f'{JOINT}+compile'
#: Modes whose iterations are timed, by method: first those without and then those with compilation,
#: which takes minutes.
EAGER = ((SSR, EXACT), (SSR, 'bf16'), (SSR, JOINT), ('daformer', EXACT), ('daformer', JOINT),
         (SSR_VIT_T, JOINT), (SSR_VIT_T, EXACT), ('mic_ssr', JOINT), ('mic_ssr', EXACT),
         (SSR, f'{JOINT}+unwatched'), (SSR, f'sam512+{JOINT}'), (SSR, f'{JOINT}+channels_last'))
COMPILING = ((SSR, COMPILED), (SSR, f'{JOINT}+graphs'), (SSR_VIT_T, COMPILED),
             ('daformer', COMPILED), (SSR, f'{COMPILED}+channels_last'),
             (SSR, f'sam512+{COMPILED}'), ('mic_ssr', COMPILED))
#: Methods that ``--reference`` is timed with.
PUBLISHED = (SSR, 'daformer', 'mic_ssr')
#: Iterations whose parts are measured too.
IN_PARTS = ((SSR, EXACT), (SSR, JOINT), (SSR, COMPILED))
INFERENCE_MODES = (EXACT, 'stock', 'bf16', 'batched')
WORKERS = (0, 2, 4, 8)


class Setup(NamedTuple):
    """What all pieces of a run have in common."""
    size: Size
    settings: Settings
    reference: Optional[str] = None


@dataclass
class Figures:
    """What a piece has measured, in plain types for the JSON file.

    Attributes:
        records: records by table and by row.
        tables: finished tables, (title, Markdown).
        notes: lines for the reader.
        missing: reasons for what is missing. A piece that misses something runs again.
    """
    records: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    tables: List[Sequence[str]] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    missing: List[str] = field(default_factory=list)


class Piece(NamedTuple):
    """A part of the run that is measured as a whole.

    Attributes:
        name: its name in the file and in messages.
        seconds: rough time that it takes on a card of the Hopper class. It does not start with
            less time left.
        measure: measures it.
    """
    name: str
    seconds: float
    measure: Callable[[Setup], Figures]


def pieces(setup: Setup) -> List[Piece]:
    """Return the pieces in the order of the run."""
    on_cpu = setup.settings.device == 'cpu'
    eager = [Piece(f'step {method}/{mode}', 25, partial(step, method=method, mode=mode))
             for method, mode in EAGER]
    compiling = [] if on_cpu else [  # on a CPU they say nothing about a card
        Piece(f'step {method}/{mode}', 80, partial(step, method=method, mode=mode))
        for method, mode in COMPILING]
    modes = (JOINT, 'channels_last', *(() if setup.size.small else ('bf16', 'joint')))
    compiled = [] if on_cpu else [Piece('equality of compiled modes', 150, partial(
        equality, modes=(COMPILED, f'{JOINT}+graphs')))]
    return [
        Piece('rates', 15, rates), *eager[:3],
        Piece('equality of modes', 50, partial(equality, modes=modes)), *eager[3:5],
        *(Piece(f'published {method}', 90, partial(
            published, method=method, folder=setup.reference))
          for method in PUBLISHED if setup.reference),
        Piece('waits of the host', 30, waits),
        Piece('trainings that repeat', 50, repeats), *compiling[:1], *eager[5:8],
        Piece('inference', 40, inference), Piece('data loader', 60, data), *compiling[1:3],
        *eager[8:], *compiling[3:], *compiled,
        *(Piece(f'network {name}', 40, partial(network, name=name)) for name in COMPARISONS)]


def rates(setup: Setup) -> Figures:
    """Measure the rates of matrix products and of memory."""
    small = setup.size.small
    outcome = measure_cases([*matrix_cases(setup.settings, precisions([EXACT, 'bf16', 'fp16']),
                                           small), memory_case(small)], setup.settings)
    return _figures(outcome, matrix_rates=matrix_rates(outcome),
                    memory_rates=memory_rates(outcome))


def step(setup: Setup, method: str, mode: str) -> Figures:
    """Measure iterations of a method in a mode."""
    return _iterations([iteration_case(
        method, mode, setup.size, parts=(method, mode) in IN_PARTS)], setup)


def published(setup: Setup, method: str, folder: str) -> Figures:
    """Measure iterations of the published code, in turn with ours once more."""
    ours = iteration_case(method, EXACT, setup.size, parts=(method, EXACT) in IN_PARTS)
    return _iterations([ours, reference_case(method, setup.size, folder)], setup)


def _iterations(cases: Sequence[Case], setup: Setup) -> Figures:
    outcome = measure_cases(cases, setup.settings)
    return _figures(outcome, iterations={
        name: result.record() for name, result in outcome.results.items()})


def equality(setup: Setup, modes: Sequence[str]) -> Figures:
    """Compare losses and pseudo-labels of one iteration with those of float32 on the same card."""
    outcome = _facts([iteration_case(SSR, mode, setup.size, FirstIteration)
                      for mode in (EXACT, *modes)], setup)
    facts = {name: result.facts for name, result in outcome.results.items()}
    exact = facts.pop(f'{SSR}/{EXACT}', None)
    if exact is None:
        return _figures(outcome)
    rows = {}
    for name, found in facts.items():
        apart, same = compared(found, exact)
        rows[name] = dict(losses_difference=apart, same_labels_ratio=same)
    return _figures(outcome, equality=rows)


def waits(setup: Setup) -> Figures:
    """Count how often an iteration waits for the device, with and without a reading of losses."""
    modes = (EXACT, *(() if setup.size.small else ('unwatched', f'{JOINT}+unwatched')))
    outcome = _facts([iteration_case(SSR, mode, setup.size, Waits) for mode in modes], setup)
    return _figures(outcome, waits={name: result.facts for name, result in outcome.results.items()})


def repeats(setup: Setup) -> Figures:
    """Compare trainings that are resumed or have the same seed."""
    outcome = _facts([Case('trainings', Repeats, dict(method=SSR))], setup)
    return _figures(outcome, repeats={name: pair for result in outcome.results.values()
                                      for name, pair in result.facts['pairs'].items()})


def inference(setup: Setup) -> Figures:
    """Measure label maps of images."""
    sizes = [(128, 64)] if setup.size.small else [(1024, 512), (2048, 1024)]
    ways = ('whole', ) if setup.size.small else ('whole', 'slide')
    return _of_report(benchmark_inference(
        ['daformer'], ways, INFERENCE_MODES, sizes, setup.size, setup.settings))


def data(setup: Setup) -> Figures:
    """Measure the loading of training pairs by number of processes."""
    small = setup.size.small
    return _of_report(benchmark_data(
        WORKERS[:2] if small else WORKERS, 4 if small else 12, (128, 64) if small else (2048, 1024),
        4 if small else 20, setup.size, setup.settings, converters=False))


def network(setup: Setup, name: str) -> Figures:
    """Measure a single network beside its peers."""
    return _of_report(benchmark_encoder([name], Options(setup.size), setup.settings))


def _facts(cases: Sequence[Case], setup: Setup) -> Outcome:
    """Return the facts of workloads that are not timed, one process at a time."""
    outcome = Outcome()
    for case in cases:
        try:
            one = measure_cases([case], replace(setup.settings, repeats=0))
        except UserError as error:
            outcome.left_out[case.name] = str(error)
            continue
        outcome.results.update(one.results)
    return outcome


def _figures(outcome: Outcome, **records: Dict[str, Any]) -> Figures:
    return Figures(records, missing=list(outcome.left_out.values()))


def _of_report(report: Report) -> Figures:
    return Figures(dict(others=report.record['cases']), report.tables, report.notes,
                   report.left_out)
