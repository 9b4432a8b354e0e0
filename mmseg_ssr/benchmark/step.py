"""Full training iterations: methods x modes, and the published implementation beside them."""
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import torch
from mmcv import Config

from ..engine.build import build_training_model
from ..engine.on_device import OnDevice, to_device
from ..engine.training.optimizer import build_optimizer
from ..errors import ConfigError, UserError
from ..methods.segmentor import UDASegmentor
from .cases import Case, Outcome, Settings, measure_cases
from .made_images import made_batch
from .measure import SETTLED, Workload, flop_counter, synchronize
from .methods import (
    EXACT,
    MODES,
    Size,
    check_folder,
    method_config,
    method_name,
    mode_needs_sam,
    mode_options,
)
from .parts import measure_parts
from .rates import matrix_cases, matrix_rates
from .report import GIB, TERA, Report, markdown_table, number, ratio, share, spread

#: The methods with the regularization branch, and the methods that they are compared with.
WITHOUT_SSR = {'daformer_ssr': 'daformer', 'daformer_ssr_vit_t': 'daformer', 'mic_ssr': 'mic',
               'hrda_ssr': 'hrda'}
PUBLISHED = 'published'
REFERENCE_SCRIPT = str(Path(__file__).with_name('reference.py'))

Pair = Tuple[str, str]  # method, mode


class TrainingIteration(Workload):
    """One iteration of the runner on generated images: losses, gradients, optimizer.

    Args:
        config: config of the training. Its data sets are not read.
        crop: side of the square images.
        batch: number of images of each domain.
        parts: also measure each part of the iteration, in one more iteration.
    """

    settling = SETTLED

    def __init__(self, device: torch.device, config: Config, crop: int, batch: int,
                 parts: bool = True):
        self.device = device
        self.model = OnDevice(build_training_model(config, seed=0), device)
        self.model.train()
        self.optimizer = build_optimizer(config, self.model)
        compiled = bool((config.get('uda') or {}).get('compile'))
        # an accelerator also selects its kernels and, if configured, records graphs of them
        self.warm_ups = int(compiled) if device.type == 'cpu' else 3
        self.parts = parts
        self.data = to_device(
            made_batch(batch, crop, config.model.decode_head.num_classes), device)

    def run(self) -> None:
        done = self.model.train_step(self.data, self.optimizer)
        if not isinstance(self.model.module, UDASegmentor):  # as mmcv's optimizer hook does
            self.optimizer.zero_grad()
            done['loss'].backward()
            self.optimizer.step()

    def warm_up(self) -> Dict[str, Any]:
        """Count the operations in eager mode. Compilation comes after that."""
        with flop_counter() as counter, torch.compiler.set_stance('force_eager'):
            parts = self._measure_parts(counter.get_total_flops)
        for _ in range(self.warm_ups):
            self.run()
        return dict(flops=sum(parts.values()), part_flops=parts)

    def finish(self) -> Dict[str, Any]:
        if not self.parts:
            return {}
        for _ in range(self.settling if self.device.type == 'cpu' else 0):
            self.run()
        return dict(part_seconds=self._measure_parts(self._clock))

    def _measure_parts(self, read: Any) -> Dict[str, float]:
        return measure_parts(self.model.module, self.optimizer, self.run, read)

    def _clock(self) -> float:
        synchronize(self.device)
        return time.perf_counter()


def benchmark_step(methods: Sequence[str], modes: Sequence[str], size: Size, settings: Settings,
                   reference: Optional[str] = None, parts: bool = True) -> Report:
    """Time an iteration of every method in every mode, in turn.

    Args:
        methods: names in :data:`.methods.METHODS`, or config files.
        modes: names in :data:`.methods.MODES`, or sums of them.
        reference: folder of a published implementation (it holds ``mmseg/``), timed in the same
            run.
        parts: also measure each part of the iteration.

    Raises:
        ConfigError: a method or mode is unknown.
        MissingFile: the folder holds no implementation.
        UserError: nothing could be measured.
    """
    for mode in modes:
        mode_options(mode)  # a misspelled mode is an error, one whose keys are missing is left out
    report = Report()
    cases: List[Case] = []
    for method in methods:
        for mode in modes:
            try:
                cases.append(iteration_case(method, mode, size, parts=parts))
            except UserError as error:
                if mode == EXACT:
                    raise
                report.left_out.append(f'{method} in mode {mode}: {error}')
        if reference:
            cases.append(reference_case(method, size, reference))
    rates = matrix_cases(settings, precisions(modes), size.small)
    outcome = measure_cases(rates + cases, settings)
    report.left_out += outcome.left_out.values()
    fill_report(report, outcome)
    report.record['size'] = size._asdict()
    return report


def iteration_case(method: str, mode: str, size: Size,
                   workload: Callable[..., 'TrainingIteration'] = TrainingIteration,
                   **arguments: Any) -> Case:
    """Make a case of a method in a mode.

    Args:
        workload: the workload, with the arguments of :class:`TrainingIteration` and these.

    Raises:
        ConfigError: a method or mode is unknown, or this version does not have its keys.
    """
    config = method_config(method, mode, size)
    return Case(case_name(method_name(method), mode), workload, dict(
        config=config, crop=crop_of(config), batch=size.batch, **arguments))


def case_name(method: str, mode: str) -> str:
    return f'{method}/{mode}'


def precisions(modes: Sequence[str]) -> List[str]:
    """The floating point types whose matrix rate the modes are compared with."""
    return sorted({precision_of(mode) for mode in modes} | {'float32'})


def precision_of(mode: str) -> str:
    """The floating point type in which a mode does its matrix products."""
    kinds = [MODES.get(name, {}).get('uda.amp', {}).get('dtype') for name in mode.split('+')]
    return next(filter(None, kinds), 'float32')


def reference_case(method: str, size: Size, folder: str) -> Case:
    """Make a case of the published implementation with the config of the method."""
    check_folder(folder, 'mmseg')
    config = method_config(method, EXACT, size)
    return Case(case_name(method_name(method), PUBLISHED), None, dict(
        folder=str(Path(folder).resolve()), config=config._cfg_dict.to_dict(),
        crop=crop_of(config), batch=size.batch), script=REFERENCE_SCRIPT)


def crop_of(config: Config) -> int:
    """Side of the training crops."""
    if not config.get('crop_size'):
        raise ConfigError(f'{config.filename} has no crop_size: give --crop')
    return config.crop_size[0]


def fill_report(report: Report, outcome: Outcome) -> None:
    """Fill in tables and record from the measurements."""
    rates = matrix_rates(outcome)
    records = {name: result.record() for name, result in outcome.results.items()
               if not name.startswith('matrix')}
    report.record.update(cases=records, matrix_rates=rates)
    add_iterations(report, records, rates)
    report.notes.append('matrix products of this machine in the same run: ' + ', '.join(
        f'{name} {number(rate / TERA)} TFLOP/s' for name, rate in rates.items()))


def add_iterations(report: Report, records: Dict[str, Dict[str, Any]],
                   rates: Dict[str, float]) -> None:
    """Compare the records with each other, and add the tables of iterations and their parts."""
    for name, record in records.items():
        record.update(ratios(name, records))
        record.update(rate_shares(name, record, rates))
    report.tables.append(('Training iteration', iteration_table(records)))
    report.tables += [(f'Parts of {name}', parts_table(record, rates, name))
                      for name, record in records.items() if 'part_seconds' in record]


def ratios(name: str, records: Dict[str, Dict[str, Any]]) -> Dict[str, float]:
    """Compare with the exact mode, with the method without SSR, and with the published code.

    Speed ratios above 1 mean faster, memory ratios above 1 mean more memory.
    """
    method, mode = split_name(name)
    record, found = records[name], {}
    exact = records.get(case_name(method, EXACT))
    if exact and mode not in (EXACT, PUBLISHED):
        found['speed_ratio'] = exact['seconds'] / record['seconds']
        found['memory_ratio'] = record['peak_bytes'] / exact['peak_bytes']
    published = records.get(case_name(method, PUBLISHED))
    if published and mode != PUBLISHED:
        found['published_speed_ratio'] = published['seconds'] / record['seconds']
        found['published_memory_ratio'] = record['peak_bytes'] / published['peak_bytes']
    plain = records.get(case_name(without_ssr(method), without_sam(mode)))
    if plain and plain is not record:
        found['ssr_cost_ratio'] = record['seconds'] / plain['seconds']
    return found


def without_ssr(method: str) -> str:
    """Name of the same method, or of the same config, without SSR."""
    return WITHOUT_SSR.get(method, method.replace('_ssr_', '_', 1))


def without_sam(mode: str) -> str:
    """Name of the same mode without what it changes in the SAM encoder."""
    names = [name for name in mode.split('+') if not mode_needs_sam(MODES.get(name, {}))]
    return '+'.join(names) or EXACT


def split_name(name: str) -> Pair:
    method, _, mode = name.rpartition('/')
    return method, mode


def rate_shares(name: str, record: Dict[str, Any], rates: Dict[str, float]) -> Dict[str, float]:
    """Shares of the machine's matrix rate that the iteration reaches."""
    rate = rates.get(precision_of(split_name(name)[1]))
    if not rate or not record.get('flops'):
        return {}
    return dict(matrix_rate_ratio=record['flops'] / record['seconds'] / rate)


def iteration_table(records: Dict[str, Dict[str, Any]]) -> str:
    rows = []
    for name, record in records.items():
        method, mode = split_name(name)
        uncounted = 'graphs' in mode.split('+')  # torch does not count what a graph uses
        rows.append([
            method, mode, spread(record),
            '-' if uncounted else number(record['peak_bytes'] / GIB),
            number(record['flops'] / TERA) if 'flops' in record else '-',
            share(record['matrix_rate_ratio']) if 'matrix_rate_ratio' in record else '-',
            *(ratio(record, key) for key in (
                'speed_ratio', 'published_speed_ratio', 'ssr_cost_ratio'))])
    return markdown_table(['method', 'mode', 'seconds (min-max)', 'peak GiB', 'TFLOP',
                           'of matrix rate', 'exact / this', 'published / this',
                           'this / without SSR'], rows)


def parts_table(record: Dict[str, Any], rates: Dict[str, float], name: str) -> str:
    """Table of seconds and counted operations of each part, the largest first."""
    seconds, flops = record['part_seconds'], record.get('part_flops', {})
    rate = rates.get(precision_of(split_name(name)[1]))
    total = sum(seconds.values())
    rows = []
    for part in sorted(seconds, key=seconds.get, reverse=True):
        done = flops.get(part, 0)
        reached = done / seconds[part] / rate if rate and seconds[part] else 0
        rows.append([part, number(seconds[part]), share(seconds[part] / total),
                     number(done / TERA) if done else '-', share(reached) if done else '-'])
    rows.append(['together', number(total), '', number(sum(flops.values()) / TERA), ''])
    return markdown_table(['part', 'seconds', 'of the iteration', 'TFLOP', 'of matrix rate'], rows)
