"""Cases 05: trainings of a few iterations."""
import math
from typing import Dict, Iterable, List, Mapping, Sequence

import numpy as np
import torch

from mmseg_ssr.uda.views.class_mix import class_mix_masks
from mmseg_ssr.uda.views.pseudo_label import pseudo_label

from . import door, tolerances
from .cases import Case
from .differences import (
    Differences,
    absolute_difference,
    relative_difference,
    sample_rows,
    samples_of,
    statistics_of,
)
from .published_names import STUDENT, TEACHER, log_name, named_networks
from .recorded_draws import recorded_draws
from .tolerances import at
from .training_run import Mode, TrainingRun

#: Its first half belongs to the keys, which softmax does not see: the gradient there is noise.
KEY_VALUE_BIAS = 'attn.kv.bias'


def check_training(case: Case, differences: Differences, mode: Mode) -> None:
    run = TrainingRun(case, mode)
    if mode.only_start:
        for log in run.iterations():
            compare_log(case, differences, 0, log, [tolerances.BF16_LOSS], math.inf)
        return
    check_groups(case, differences, run)
    for i, log in enumerate(run.iterations()):
        # mmseg 0.30 leaves ignored pixels out of the accuracy's denominator.
        accuracy = math.inf if mode.stock else tolerances.ACCURACY
        compare_log(case, differences, i, log, tolerances.LOSS, accuracy)
        compare_rates(case, differences, i, run)
        compare_gradients(case, differences, i, run)
        compare_parameters(case, differences, i, run)
        if run.draws is not None:
            differences.exact(f'it{i} draws left', len(run.draws.unused()), 0)
        if 'teacher_logit' in case:
            compare_teacher(case, differences, i, run)
        if 'mix_mask' in case:
            compare_mix(case, differences, i)
        if i == 0:
            compare_branch(case, differences, run)
    compare_end(case, differences, run)


def check_groups(case: Case, differences: Differences, run: TrainingRun) -> None:
    """Learning rate and weight decay of every parameter; nothing frozen is in the optimizer."""
    published = [group for group in case.facts['param_groups']['trainable']
                 if group[0] in run.parameters]
    differences.exact('param_groups', as_lines(run.groups()), as_lines(published))
    unknown = set(run.parameters) - set(case.facts['student_names'])
    differences.exact('trained, but not published', sorted(unknown), [])


def as_lines(groups: Iterable[List]) -> List[str]:
    return sorted(f'{name} {rate} {decay}' for name, rate, decay in groups)


def compare_log(case: Case, differences: Differences, i: int, log: Mapping[str, float],
                loss_tolerances: Sequence[float], accuracy: float) -> None:
    own = {log_name(name): value for name, value in log.items()}
    names = case.facts['log_names']
    differences.exact(f'it{i} log names', sorted({*own, 'loss'}), sorted({*names, 'loss'}))
    for name, expected in zip(names, case.arrays['log'][i]):
        value = own.get(name, math.nan)
        if 'loss' not in name:
            differences.add(f'it{i} {name}', abs(value - expected), accuracy, relative=False)
        elif math.isnan(expected):  # an empty feature distance mask: here it costs nothing
            differences.exact(f'it{i} {name}', value, 0.)
        else:
            differences.add(f'it{i} {name}', abs(value - expected) / (abs(expected) or 1.),
                            at(loss_tolerances, i))


def compare_rates(case: Case, differences: Differences, i: int, run: TrainingRun) -> None:
    rates = [group['lr'] for group in door.groups_of(run.optimizer)]
    differences.add(f'it{i} lr', max_relative([min(rates), max(rates)], case.arrays['lr'][i]),
                    tolerances.RATE)


def max_relative(own, expected) -> float:
    own, expected = np.asarray(own), np.asarray(expected)
    return (abs(own - expected) / np.where(expected == 0, 1., abs(expected))).max()


def compare_gradients(case: Case, differences: Differences, i: int, run: TrainingRun) -> None:
    """Gradients as they are at the optimizer's step."""
    names = case.facts['student_names']
    expected = dict(zip(names, case.arrays['grad_l2'][i]))
    own: Dict[str, float] = {}
    samples = case.arrays['grad_samples'][i].copy()
    own_samples = np.full_like(samples, np.nan)
    for row, name in enumerate(names):
        gradient = run.parameters[name].grad if name in run.parameters else None
        if gradient is not None:
            own[name] = statistics_of(gradient)[2]
            own_samples[row] = samples_of(gradient, samples.shape[1])
    without = {name for name in names if math.isnan(expected[name])}
    differences.exact(f'it{i} parameters without gradient', sorted(without),
                      sorted(set(names) - set(own)))

    left_out = without.union(case.facts['zero_gradient_names'])
    relative = {name: abs(own.get(name, math.nan) - expected[name]) / (expected[name] or 1.)
                for name in names if name not in left_out}
    worst = max(relative, key=relative.get)
    differences.add(f'it{i} grad_l2, median', np.median(list(relative.values())),
                    at(tolerances.GRADIENT_MEDIAN, i))
    differences.add(f'it{i} grad_l2, largest ({worst})', relative[worst],
                    at(tolerances.GRADIENT, i))
    ignored = zero_gradient_entries(case, samples.shape[1], run)
    samples[ignored] = own_samples[ignored] = np.nan
    differences.add(f'it{i} grad_samples', relative_difference(own_samples, samples),
                    at(tolerances.GRADIENT_SAMPLES, i))


def compare_parameters(case: Case, differences: Differences, i: int, run: TrainingRun) -> None:
    """Parameters after the step."""
    expected = case.arrays['param_samples'][i]
    distance = parameter_distances(case, run, expected)
    differences.add(f'it{i} param_samples, 99 %', np.nanquantile(distance, 0.99),
                    at(tolerances.PARAMETER_MOST, i), relative=False)
    differences.add(f'it{i} param_samples, largest', np.nanmax(distance),
                    at(tolerances.PARAMETER, i), relative=False)


def parameter_distances(case: Case, run: TrainingRun, expected: np.ndarray) -> np.ndarray:
    """Absolute differences, a row per parameter; NaN where there is nothing to compare."""
    count = expected.shape[1]
    distance = np.full(expected.shape, np.nan)
    for row, name in enumerate(case.facts['student_names']):
        if name in run.parameters:
            distance[row] = abs(samples_of(run.parameters[name], count) - expected[row])
    distance[zero_gradient_entries(case, count, run)] = np.nan
    return distance


def zero_gradient_entries(case: Case, count: int, run: TrainingRun) -> np.ndarray:
    """Samples, a row per parameter, whose exact gradient is 0, so that noise is all they show."""
    entries = np.zeros((len(case.facts['student_names']), count), bool)
    for row, name in enumerate(case.facts['student_names']):
        if name in case.facts['zero_gradient_names']:
            entries[row] = True
        elif name.endswith(KEY_VALUE_BIAS):
            bias = torch.zeros_like(run.parameters[name])
            bias[:len(bias) // 2] = 1
            entries[row] = samples_of(bias, count) == 1
    return entries


def compare_teacher(case: Case, differences: Differences, i: int, run: TrainingRun) -> None:
    logits = torch.cat(run.teacher_logits)
    tolerance = at(tolerances.TEACHER_LOGITS, i)
    arrays, uda = case.arrays, case.config['uda']
    differences.statistics(f'it{i} teacher_logit_stats', logits, arrays['teacher_logit_stats'][i],
                           tolerance)
    differences.samples(f'it{i} teacher_logit_samples', logits,
                        arrays['teacher_logit_samples'][i], tolerance)
    label, share, _ = pseudo_label(logits, uda['pseudo_threshold'])
    differences.add(f'it{i} pseudo_share', abs(share.max().item() - arrays['pseudo_share'][i]),
                    tolerances.PSEUDO_SHARE_PIXELS / label.numel(), relative=False)
    wrong = (label.squeeze(1).numpy() != arrays['pseudo_label'][i]).sum()
    differences.add(f'it{i} pseudo_label (pixels)', wrong, tolerances.PSEUDO_LABEL_PIXELS,
                    relative=False)


def compare_mix(case: Case, differences: Differences, i: int) -> None:
    """The recorded classes give the recorded ClassMix mask."""
    draws = recorded_draws(case)
    draws.start_iteration(i)
    masks = class_mix_masks(case.tensor('src_label')[i], draws)
    differences.exact(f'it{i} mix_mask', masks.squeeze(1), case.arrays['mix_mask'][i])


def compare_branch(case: Case, differences: Differences, run: TrainingRun) -> None:
    """SAM's map and the enhanced features of source and mixed view, however they are batched."""
    if 'it0_sam' in case:
        differences.array('it0_sam', torch.cat(run.contexts), tolerances.NETWORK)
    for view, half in (('src', 0), ('mix', 1)):
        stage = 0
        while f'it0_enh_{view}{stage}' in case:
            enhanced = torch.cat([maps[stage] for maps in run.enhanced]).chunk(2)[half]
            differences.array(f'it0_enh_{view}{stage}', enhanced, tolerances.NETWORK)
            stage += 1


def compare_end(case: Case, differences: Differences, run: TrainingRun) -> None:
    """Student, teacher and their batch norm statistics after the last iteration."""
    facts, arrays, networks = case.facts, case.arrays, named_networks(run.model)
    present = [row for row, name in enumerate(facts['student_names']) if name in run.parameters]
    own = [run.parameters[facts['student_names'][row]] for row in present]
    compare_statistics(differences, 'final_student_stats', own,
                       arrays['final_student_stats'][present])
    last = parameter_distances(case, run, arrays['final_student_samples'])
    differences.add('final_student_samples', np.nanmax(last),
                    at(tolerances.PARAMETER, facts['iterations'] - 1), relative=False)
    compare_buffers(case, differences, 'student', STUDENT, networks)
    if TEACHER in networks and 'teacher_names' in facts:
        parameters = dict(networks[TEACHER].named_parameters())
        own = [parameters[name[len(TEACHER):]] for name in facts['teacher_names']]
        compare_statistics(differences, 'final_teacher_stats', own, arrays['final_teacher_stats'])
        expected = arrays['final_teacher_samples']
        differences.add('final_teacher_samples',
                        absolute_difference(sample_rows(own, expected.shape[1]), expected),
                        tolerances.TEACHER, relative=False)
        compare_buffers(case, differences, 'teacher', TEACHER, networks)


def compare_statistics(differences: Differences, quantity: str, own, expected) -> None:
    rows = np.array([statistics_of(tensor) for tensor in own])
    differences.add(quantity, relative_difference(rows, expected), tolerances.FINAL_STATISTICS)


def compare_buffers(case: Case, differences: Differences, role: str, prefix: str,
                    networks: Mapping) -> None:
    buffers = dict(networks[prefix].named_buffers())
    expected = case.arrays[f'final_{role}_buffers']
    own = [buffers[name[len(prefix):]] for name in case.facts[f'{role}_buffer_names']]
    differences.add(f'final_{role}_buffers',
                    absolute_difference(sample_rows(own, expected.shape[1]), expected),
                    tolerances.BATCH_NORM, relative=False)
