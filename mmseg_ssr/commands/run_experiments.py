"""Train and test a config, or a table of experiments.

    python run_experiments.py --config configs/sam/daformer_sam_vit_b.py
    python run_experiments.py --exp ssr
    python run_experiments.py --exp ssr --results
    python run_experiments.py --list

Results go to work_dirs/local/NAME or work_dirs/EXP/NAME: checkpoints, logs, the config as used,
result.json and report.html. Continue a killed run with --resume-from auto. A table continues by
itself when it is started again. Ctrl-C and SIGTERM finish the iteration, save, and end.
"""
import argparse
import json
import os
import sys
from functools import partial
from typing import Any, Dict, List, NamedTuple, Optional

import torch
from mmcv import Config

from .. import distributed
from ..engine.config.load import Options, load_config
from ..engine.config.validate import validate
from ..engine.config.values import experiment_name, max_iterations
from ..engine.distributed.launch import launched, launcher_options
from ..engine.experiments.results import Runs, as_dict, markdown, read_run
from ..engine.experiments.run import (
    finished_result,
    has_checkpoint,
    startup_test,
    train_and_test,
)
from ..errors import ConfigError, MissingFile, cli, nearest
from ..experiments import EXPERIMENTS, Experiment, Row, by_id
from ..report import report_at_end
from ..utils.atomic_file import write_atomic
from ..utils.signals import Interruption, resumable


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


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--config', metavar='FILE', help='config to train')
    what.add_argument('--exp', metavar='ID', help='experiment of experiments.py')
    what.add_argument('--list', action='store_true', help='list the experiments')
    parser.add_argument('--rows', nargs='+', metavar='NAME',
                        help='with --exp: train only these rows, named as in --list')
    parser.add_argument('--results', action='store_true',
                        help='with --exp: run nothing, print the results of finished runs beside '
                             'the published numbers, as Markdown')
    parser.add_argument('--json', metavar='FILE',
                        help='with --results: also write the results to FILE')
    parser.add_argument('--work-dir', metavar='DIR', help='folder of the results')
    parser.add_argument('--resume-from', metavar='FILE', nargs='?', const='auto',
                        help='continue from a checkpoint; without FILE, or with auto, from the '
                             'newest one in the work dir')
    parser.add_argument('--load-from', metavar='FILE', help='checkpoint with weights to start from')
    parser.add_argument('--trust-checkpoint', action='store_true',
                        help='also read a --load-from file that could run code when it is read')
    parser.add_argument('--cfg-options', nargs='+', action=Options, default={},
                        metavar='KEY=VALUE', help='change the config, as uda.alpha=0.99')
    parser.add_argument('--seed', type=int, help='seed that replaces the one in the config')
    parser.add_argument('--deterministic', action='store_true',
                        help='ask torch for kernels that repeat to the bit')
    parser.add_argument('--device', default='auto', help='auto, cpu, or a device of torch')
    launcher_options(parser)
    parser.add_argument('--startup-test', action='store_true',
                        help='run two iterations of everything at full size, then clean up')
    parser.add_argument('--dry-run', action='store_true', help='print the jobs and run none')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    check_args(args)
    if args.list:
        print_experiments()
        return
    if args.results:
        print_results(args)
        return
    with launched(args.launcher, args.device, args.local_rank) as device:
        jobs = distributed.from_first(
            lambda: config_job(args) if args.config else experiment_jobs(args))
        if not args.dry_run:
            run_jobs(jobs, args, device, [sys.argv[0], *(sys.argv[1:] if argv is None else argv)])
        elif distributed.rank() == 0:
            print_jobs(jobs)


#: Options without effect beside another one.
USELESS = {
    '--list': ('--rows', '--json', '--work-dir', '--resume-from', '--load-from', '--cfg-options',
               '--seed', '--startup-test', '--dry-run'),
    '--results': ('--startup-test', '--dry-run'),
    '--startup-test': ('--work-dir', '--resume-from', '--dry-run')}


def check_args(args: argparse.Namespace) -> None:
    """Refuse options that would have no effect."""
    def given(option: str) -> bool:
        value = getattr(args, option[2:].replace('-', '_'))
        return value is not None and value is not False and value != {}

    for option, needed in (('--rows', '--exp ID'), ('--results', '--exp ID'),
                           ('--json', '--results')):
        if given(option) and not given(needed.split()[0]):
            raise ConfigError(f'{option} goes with {needed}')
    if args.exp and args.resume_from:
        raise ConfigError('--resume-from goes with --config: --exp resumes its jobs by itself')
    for mode, options in USELESS.items():
        for option in options:
            if given(mode) and given(option):
                raise ConfigError(f'{option} has no effect with {mode}: leave one of them out')
    if args.seed is not None and args.seed < 0:
        raise ConfigError(f'--seed must be at least 0, got {args.seed}')
    begins = args.config and not args.resume_from  # later that file may be missing
    for option, file in (('--load-from', args.load_from if begins else None),
                         ('--resume-from', args.resume_from)):
        if file and file != 'auto' and not os.path.isfile(file):
            raise MissingFile(f'{option} {file}: there is no such file')


def run_jobs(jobs: List[Job], args: argparse.Namespace, device: torch.device,
             command: List[str]) -> None:
    """Train and test each unfinished job. ``command`` is this command line."""
    shared = dict(deterministic=args.deterministic, trusted=args.trust_checkpoint)
    trained: List[Job] = []
    for i, job in enumerate(jobs):
        cfg = job_config(job)
        if args.startup_test:
            with Interruption():  # cleans up when it is killed
                result = startup_test(cfg, device, job.seed, **shared)
            say(f'startup test of {job.config} passed: training, evaluation, checkpoint, resume '
                f'and test in {result["seconds"]:.0f} s, peak memory '
                f'{result["peak_memory_mb"]} MB')
            continue
        finished = partial(finished_result, job.work_dir, cfg)
        result = distributed.from_first(finished) if args.exp else None
        say(f'job {i + 1} of {len(jobs)}: {job.config} in {job.work_dir}'
            + (' is finished' if result else ''))
        page = None
        if result is None:
            trained.append(job)
            with resumable(command, job.work_dir if args.config else None):
                result = train_and_test(cfg, job.work_dir, device, job.seed,
                                        resume_from=job.resume_from, **shared)
            page = report_at_end(cfg, [job.work_dir], device)
        report(job, result, page)
    if args.exp and trained:
        folders = [job.work_dir for job in jobs]
        page = report_at_end(cfg, folders, device,
                             os.path.join(os.path.dirname(folders[0]), 'report.html'))
        if page:
            say(f'report of all runs {page}')


def config_job(args: argparse.Namespace) -> List[Job]:
    """Make the job of ``--config``."""
    cfg = load_config(args.config, args.cfg_options)
    validate(cfg)
    name = experiment_name(cfg) + (f'_s{args.seed}' if args.seed is not None else '')
    work_dir = args.work_dir or os.path.join('work_dirs', 'local', name)
    if not args.resume_from and not args.startup_test and has_checkpoint(work_dir):
        if args.work_dir:
            raise ConfigError(f'--work-dir {work_dir} holds another run already: go on with it by '
                              '--resume-from auto, or choose another folder')
        work_dir = next_free(work_dir)
    return [Job(args.config, args.cfg_options, args.seed, work_dir, args.resume_from,
                args.load_from)]


def experiment_jobs(args: argparse.Namespace, every_row: bool = False) -> List[Job]:
    """Make the jobs of ``--exp``: each row with each of its seeds."""
    known = by_id()
    if args.exp not in known:
        raise ConfigError(f'--exp {args.exp}: there is no such experiment'
                          f'{nearest(args.exp, known) or ", --list shows them"}')
    root = args.work_dir or os.path.join('work_dirs', args.exp)
    jobs = []
    for row in chosen_rows(known[args.exp], None if every_row else args.rows):
        for seed in row.seeds if args.seed is None else [args.seed]:
            work_dir = os.path.join(root, f'{row.name}_s{seed}')
            options = {**row.overrides, **args.cfg_options}
            validate(load_config(row.config, options))
            jobs.append(Job(row.config, options, seed, work_dir, 'auto', args.load_from, row))
    return jobs


def chosen_rows(experiment: Experiment, names: Optional[List[str]]) -> List[Row]:
    """Find rows of a table by name; without names, all of them."""
    known = {row.name: row for row in experiment.rows}
    for name in names or []:
        if name not in known:
            raise ConfigError(f'--rows {name}: {experiment.id} has no such row'
                              f'{nearest(name, known)}')
    return [row for name, row in known.items() if not names or name in names]


def next_free(work_dir: str) -> str:
    """Append to ``work_dir`` the first number without checkpoints."""
    number = 2
    while has_checkpoint(f'{work_dir}_{number}'):
        number += 1
    print(f'{work_dir} holds a run already (--resume-from auto goes on with it): this one goes to '
          f'{work_dir}_{number}', flush=True)
    return f'{work_dir}_{number}'


def say(text: str) -> None:
    """Print a line in one process."""
    if distributed.rank() == 0:
        print(text, flush=True)


def report(job: Job, result: Dict[str, Any], page: Optional[str]) -> None:
    metric = job.row.metric if job.row else 'mIoU'
    known = job.row is not None and job.row.published is not None
    published = f' (published: {job.row.published})' if known else ''
    say(f'{metric} {result["scores"][metric]:.2f}{published}\n'
        f'checkpoint {os.path.join(job.work_dir, result["checkpoint"])}\n'
        f'training {result["train_seconds"]:.0f} s, test {result["test_seconds"]:.0f} s, peak '
        f'memory {result["peak_memory_mb"]} MB' + (f'\nreport {page}' if page else ''))


def print_results(args: argparse.Namespace) -> None:
    """Print measured beside published numbers for ``--exp ID --results``, and write ``--json``."""
    if args.json and not os.path.isdir(os.path.dirname(args.json) or '.'):
        raise MissingFile(f'--json {args.json}: there is no folder {os.path.dirname(args.json)}')
    jobs = experiment_jobs(args, every_row=True)  # baselines may not be among --rows
    experiment = by_id()[args.exp]
    everything = [runs_of(row, [job for job in jobs if job.row is row], experiment.baseline)
                  for row in experiment.rows]
    chosen = [row.name for row in chosen_rows(experiment, args.rows)]
    table = [runs for runs in everything if runs.name in chosen]
    title = f'{experiment.id}: {experiment.title} ({experiment.source})'
    print(markdown(title, table, everything), end='')
    if args.json:
        content = dict(experiment=experiment.id, rows=as_dict(table, everything))
        write_atomic(args.json, json.dumps(content, indent=2, allow_nan=False).encode())


def runs_of(row: Row, jobs: List[Job], baseline: Optional[str]) -> Runs:
    """Collect the results of a row's jobs."""
    found = {job.seed: read_run(job.work_dir, job_config(job), row.metric)
             for job in jobs}
    return Runs(
        row.name, {seed: scores for seed, (scores, _) in found.items() if scores is not None},
        {seed: why for seed, (scores, why) in found.items() if scores is None},
        row.metric, row.published, row.baseline or baseline, row.note,
        row.classes)


def print_experiments() -> None:
    for name in dict.fromkeys(experiment.benchmark for experiment in EXPERIMENTS):
        print(f'=== {name} ===\n')
        for experiment in EXPERIMENTS:
            if experiment.benchmark == name:
                print_experiment(experiment)


def print_experiment(experiment: Experiment) -> None:
    """Print a table's rows in three columns: name and number, seeds, config with overrides."""
    print(f'{experiment.id}: {experiment.title} ({experiment.source})')
    widths = [max(len(row.name) for row in experiment.rows),
              max(len(_seeds(row)) for row in experiment.rows)]
    for row in experiment.rows:
        overrides = ''.join(f' {key}={value}' for key, value in row.overrides.items())
        published = '' if row.published is None else (
            f', published {row.metric} {row.published} ({row.source})')
        print(f'    {row.name:{widths[0]}}  {_seeds(row):{widths[1]}}  '
              f'{row.config}{overrides}{published}')
    print()


def _seeds(row: Row) -> str:
    return f'seed{"s" * (len(row.seeds) > 1)} {", ".join(map(str, row.seeds))}'


def print_jobs(jobs: List[Job]) -> None:
    for job in jobs:
        cfg = job_config(job)
        state = ('finished' if finished_result(job.work_dir, cfg) else
                 'begun' if has_checkpoint(job.work_dir) else 'new')
        overrides = ''.join(f' {key}={value}' for key, value in job.options.items())
        seed = cfg.get('seed') if job.seed is None else job.seed
        print(f'{job.work_dir}: {job.config}{overrides}, seed {seed}, {max_iterations(cfg)} '
              f'iterations, {state}')
