"""Cases 04 about learning rates and the optimizer, through those of OpenMMLab."""
import re
from typing import Any, Dict, Iterator, List

import numpy as np
import torch
from torch import nn

from . import door, tolerances
from .cases import OWN_DATA, Case, find_cases
from .differences import Differences, absolute_difference, samples_of
from .fill import fill
from .training import check_groups, max_relative
from .training_run import Mode, TrainingRun

#: What a schedule's description leaves unsaid (README: the schedules of DAFormer).
DEFAULTS = dict(power=1., min_lr=0., warmup_ratio=1e-6, max_iters=40000)


def check_learning_rate(case: Case, differences: Differences) -> None:
    for name in sorted(set(case.arrays) - {'iterations'}):
        expected = case.arrays[name]
        options = schedule_of(case.description(name))
        base = options.pop('base', case.facts['base_lr'])
        iterations = (range(len(expected)) if 'iterations 0..' in case.description(name)
                      else case.arrays['iterations'])
        own = list(rates_at(iterations, base, **options))
        differences.add(name, max_relative(own, expected), tolerances.RATE)


def schedule_of(description: str) -> Dict[str, Any]:
    """'power 1, min_lr 0, linear warm-up 1500, ratio 1e-6, 40000 iterations' -> options."""
    number = r'([\d.]+(?:e-?\d+)?)'
    options: Dict[str, Any] = dict(DEFAULTS)
    for key, pattern in (('power', f'power {number}'), ('min_lr', f'min_lr {number}'),
                         ('warmup_ratio', f'ratio {number}'), ('max_iters', r'(\d+) iterations')):
        match = re.search(pattern, description)
        options[key] = float(match[1]) if match else options[key]
    match = re.search(r'warm-up (\d+)', description)
    options['warmup_iters'] = int(match[1]) if match else 0
    match = re.search(f'base {number} and {number}', description)
    if match:
        options['base'] = [float(rate) for rate in match.groups()]
    return options


def rates_at(iterations, base: List[float], max_iters: float, warmup_iters: int,
             **options) -> Iterator[List[float]]:
    """Learning rates of the given iterations, one per group."""
    if warmup_iters:
        options.update(warmup='linear', warmup_iters=warmup_iters)
    else:
        options.pop('warmup_ratio')
    model = nn.ModuleList(nn.Linear(1, 1, bias=False) for _ in base)
    optimizer = door.optimizer_of(model, dict(
        type='AdamW', lr=1., paramwise_cfg=dict(custom_keys={
            f'{i}.': dict(lr_mult=rate) for i, rate in enumerate(base)})))
    for _ in door.rates(optimizer, dict(options, by_epoch=False), max_iters, iterations):
        yield [group['lr'] for group in door.groups_of(optimizer)]


def check_optimizer(case: Case, differences: Differences) -> None:
    """Given gradients through the optimizer and the schedule of a training."""
    run = TrainingRun(with_parameters_of(case), Mode())
    check_groups(run.case, differences, run)
    expected_samples = case.arrays['param_samples']
    rates = door.rates(run.optimizer, case.facts['lr_config'], case.facts['max_iters'],
                       range(len(expected_samples)))
    for step, expected in zip(rates, expected_samples):
        for name, parameter in run.parameters.items():
            gradient = fill(case.seed, f'grad{step}.{name}', parameter.shape)
            parameter.grad = torch.from_numpy(gradient)
        run.optimizer.step()
        own = np.stack([samples_of(run.parameters[name], expected.shape[1])
                        for name in case.facts['names']])
        differences.add(f'step {step} param_samples', absolute_difference(own, expected),
                        tolerances.PART, relative=False)


def with_parameters_of(case: Case) -> Case:
    """A training case with the parameters of ``case``, given its seed and optimizer.

    An optimizer case names its parameters but not the network they are of.
    """
    for training in [*find_cases(case.path.parent), *find_cases(OWN_DATA)]:
        if training.name.startswith('05_') and \
                training.facts['student_names'] == case.facts['names']:
            training.facts.update(
                seed=case.seed, optimizer=case.facts['optimizer'],
                lr_config=case.facts['lr_config'], max_iters=case.facts['max_iters'],
                param_groups=dict(trainable=case.facts['groups']))
            return training
    raise LookupError(f'{case.name}: no training case has its parameters')
