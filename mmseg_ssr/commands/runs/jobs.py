"""Trainings as jobs: the options that start them, their run, and what is printed about them."""
import argparse
import os
import re
import sys
from functools import partial
from typing import Any, Dict, List, NamedTuple, Optional

import torch
from mmcv import Config

from ... import distributed
from ...engine.config.load import load_config
from ...engine.config.saved import plain_text
from ...engine.config.values import max_iterations
from ...engine.distributed.launch import launcher_options
from ...engine.experiments.results import named_score
from ...engine.experiments.run import (
    finished_result,
    has_checkpoint,
    startup_test,
    train_and_test,
)
from ...engine.training.trial import check_building
from ...errors import ConfigError, Problems
from ...experiments import Row
from ...report import report_at_end
from ...utils.paths import check_file
from ...utils.signals import Interruption, resumable
from ..options import cfg_options, device_option, trust_option


class Job(NamedTuple):
    """One training."""
    config: str
    options: Dict[str, Any]
    seed: Optional[int]
    work_dir: str
    resume_from: Optional[str]
    load_from: Optional[str] = None
    row: Optional[Row] = None


def job_config(job: Job) -> Config:
    """The config as it is trained, which identifies a result."""
    cfg = load_config(job.config, job.options)
    if job.load_from:
        cfg.load_from = job.load_from
    return cfg


def job_options(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Add the options of all trainings. Return the group of those that exclude each other."""
    parser.add_argument('--work-dir', metavar='DIR', help='folder of the results')
    parser.add_argument('--load-from', metavar='FILE', help='checkpoint with weights to start from')
    trust_option(parser, '--load-from file')
    config_options(parser)
    parser.add_argument('--deterministic', action='store_true',
                        help='ask torch for kernels that repeat to the bit')
    device_option(parser)
    launcher_options(parser)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument('--startup-test', action='store_true',
                         help='run two iterations of everything at full size, then clean up')
    instead.add_argument('--dry-run', action='store_true', help='print the jobs and run none')
    return instead


def config_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that change a config."""
    cfg_options(parser)
    parser.add_argument('--seed', type=seed, help='seed that replaces the one in the config')


def seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'must be an integer of at least 0, got {text}')
    return int(text)


def command_line(argv: Optional[List[str]]) -> List[str]:
    """Return the words that started this process; ``argv`` None stands for its own arguments."""
    return [sys.argv[0], *(sys.argv[1:] if argv is None else argv)]


def check_file_option(option: str, file: Optional[str]) -> None:
    """Raise an error if an option names a file that is not there or cannot be read."""
    if file:
        check_file(file, option)


def check_startup_test(args: argparse.Namespace) -> None:
    """Refuse a folder for results of a test that leaves none."""
    if args.startup_test and args.work_dir:
        raise ConfigError('--work-dir has no effect with --startup-test: leave one of them out')


def run_startup_tests(jobs: List[Job], args: argparse.Namespace, device: torch.device) -> None:
    """Run two iterations of everything for each job, and leave nothing."""
    for job in jobs:
        with Interruption():  # cleans up when it is killed
            result = startup_test(job_config(job), device, job.seed,
                                  deterministic=args.deterministic, trusted=args.trust_checkpoint)
        say(f'startup test of {job.config} passed: training, evaluation, checkpoint, resume '
            f'and test in {result["seconds"]:.0f} s, peak memory '
            f'{result["peak_memory_mb"]} MB')


def run_jobs(jobs: List[Job], args: argparse.Namespace, device: torch.device,
             command: List[str], again: bool) -> List[Job]:
    """Train and test jobs, and return those that were not finished before.

    Args:
        command: this command line.
        again: whether the same command continues the jobs. Else it needs ``--resume-from``.
    """
    trained = []
    for i, job in enumerate(jobs):
        cfg = job_config(job)
        finished = partial(finished_result, job.work_dir, cfg)
        result = distributed.from_first(finished) if again else None
        say(f'job {i + 1} of {len(jobs)}: {job.config} in {job.work_dir}'
            + (' is finished' if result else ''))
        page = None
        if result is None:
            trained.append(job)
            with resumable(command, None if again else job.work_dir):
                result = train_and_test(
                    cfg, job.work_dir, device, job.seed, resume_from=job.resume_from,
                    deterministic=args.deterministic, trusted=args.trust_checkpoint)
            page = report_at_end(cfg, [job.work_dir], device)
        report(job, result, page)
    return trained


def say(text: str) -> None:
    """Print a line in one process."""
    if distributed.rank() == 0:
        print(text, flush=True)


def report(job: Job, result: Dict[str, Any], page: Optional[str]) -> None:
    metric = job.row.metric if job.row else 'mIoU'
    known = job.row is not None and job.row.published is not None
    published = f' (published: {job.row.published})' if known else ''
    sets = [f'{name.split("_")[0]}: {value:.2f}' for name, value in result['scores'].items()
            if re.fullmatch(rf'\d+_{metric}', name)]  # of several test sets
    each = f' (of sets {", ".join(sets)})' if sets else ''
    say(f'{metric} {named_score(result, metric, job.work_dir):.2f}{each}{published}\n'
        f'checkpoint {os.path.join(job.work_dir, result["checkpoint"])}\n'
        f'training {result["train_seconds"]:.0f} s, test {result["test_seconds"]:.0f} s, peak '
        f'memory {result["peak_memory_mb"]} MB' + (f'\nreport {page}' if page else ''))


def try_jobs(jobs: List[Job]) -> None:
    """Build what each config trains, then print the jobs.

    Raises:
        ConfigError: a config cannot be built. It names all faults of all jobs.
    """
    problems = Problems()
    for job in {plain_text(job_config(job)): job for job in jobs}.values():
        problems.tried(check_building, job_config(job))
    problems.report()
    print_jobs(jobs)


def print_jobs(jobs: List[Job]) -> None:
    for job in jobs:
        cfg = job_config(job)
        state = ('finished' if finished_result(job.work_dir, cfg) else
                 'begun' if has_checkpoint(job.work_dir) else 'new')
        overrides = ''.join(f' {key}={value}' for key, value in job.options.items())
        seed = cfg.get('seed') if job.seed is None else job.seed
        print(f'{job.work_dir}: {job.config}{overrides}, seed {seed}, {max_iterations(cfg)} '
              f'iterations, {state}')
