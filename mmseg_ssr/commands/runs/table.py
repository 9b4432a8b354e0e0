"""Train and test a table of experiments, each row with each of its seeds.

    mmseg-ssr table --list
    mmseg-ssr table ssr

Results go to work_dirs/ID/NAME_sSEED. Rows that read several scores of one training share its
folder. A table continues by itself when it is started again.
"""
import argparse
import os
from typing import List, Optional

import torch

from ... import distributed
from ...engine.config.load import load_config
from ...engine.config.validate import validate
from ...engine.distributed.launch import launched
from ...errors import ConfigError, cli, nearest
from ...experiments import Experiment, Row, by_id
from ...report import report_at_end
from ..options import command_parser
from .jobs import (
    Job,
    check_file_option,
    check_startup_test,
    command_line,
    job_config,
    job_options,
    run_jobs,
    run_startup_tests,
    say,
    try_jobs,
)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    table_options(parser)
    job_options(parser)
    return parse_with_table(parser, argv)


def table_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose a table and its rows."""
    parser.add_argument('table', metavar='ID', nargs='?', help='table, as --list names them')
    parser.add_argument('--rows', nargs='+', metavar='NAME', help='only these rows of the table')
    parser.add_argument('--list', action='store_true', help='list the tables and stop')


def parse_with_table(parser: argparse.ArgumentParser,
                     argv: Optional[List[str]]) -> argparse.Namespace:
    """Parse the arguments of a command about a table. ``--list`` alone lists them and ends it."""
    args = parser.parse_args(argv)
    if args.list == (args.table is not None):
        parser.error(f'expected the ID of a table or --list{", not both" * args.list}')
    if args.list:
        print_experiments()
        parser.exit()
    return args


@cli
def main(argv: Optional[List[str]] = None, command: Optional[List[str]] = None) -> None:
    """Run the command. The arguments are those of :func:`.train.main`."""
    args = parse_args(argv)
    check_startup_test(args)
    check_file_option('--load-from', args.load_from)
    with launched(args.launcher, args.device, args.local_rank) as device:
        jobs = distributed.from_first(lambda: table_jobs(args))
        if args.startup_test:
            run_startup_tests(trainings(jobs), args, device)
        elif not args.dry_run:
            trained = run_jobs(jobs, args, device, command or command_line(argv), again=True)
            if trained:
                report_of_all(jobs, device)
        elif distributed.rank() == 0:
            try_jobs(trainings(jobs))


def trainings(jobs: List[Job]) -> List[Job]:
    """Return one job for each training, of jobs that may share one."""
    return list({job.work_dir: job for job in jobs}.values())


def report_of_all(jobs: List[Job], device: torch.device) -> None:
    """Write the page about all runs beside their folders."""
    folders = [job.work_dir for job in trainings(jobs)]
    page = report_at_end(job_config(jobs[-1]), folders, device,
                         os.path.join(os.path.dirname(folders[0]), 'report.html'))
    if page:
        say(f'report of all runs {page}')


def table_jobs(args: argparse.Namespace, every_row: bool = False) -> List[Job]:
    """Make the jobs of a table: each row with each of its seeds.

    Args:
        every_row: take the rows too that were not chosen, if the options fit them.
    """
    known = by_id()
    if args.table not in known:
        raise ConfigError(f'{args.table}: there is no such table'
                          f'{nearest(args.table, known) or ", --list shows them"}')
    root = args.work_dir or os.path.join('work_dirs', args.table)
    jobs, chosen = [], chosen_rows(known[args.table], args.rows)
    for row in known[args.table].rows if every_row else chosen:
        options = {**row.overrides, **args.cfg_options}
        try:
            validate(load_config(row.config, options))
        except ConfigError:
            if row in chosen:
                raise
            continue
        for seed in row.seeds if args.seed is None else [args.seed]:
            work_dir = os.path.join(root, f'{row.run or row.name}_s{seed}')
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


def print_experiments() -> None:
    experiments = by_id().values()
    for name in dict.fromkeys(experiment.benchmark for experiment in experiments):
        print(f'=== {name} ===\n')
        for experiment in experiments:
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
