"""Train and test a config.

    mmseg-ssr train configs/sam/daformer_sam_vit_b.py

Results go to work_dirs/local/NAME: checkpoints, logs, the config as used, result.json and
report.html. Continue a killed run with --resume-from auto. Ctrl-C and SIGTERM finish the
iteration, save, and end.
"""
import argparse
import os
from typing import List, Optional

from ... import distributed
from ...engine.config.load import load_config
from ...engine.config.validate import validate
from ...engine.config.values import experiment_name
from ...engine.distributed.launch import launched
from ...engine.experiments.run import has_checkpoint
from ...errors import ConfigError, cli
from ..options import command_parser
from .jobs import (
    Job,
    check_file_option,
    check_startup_test,
    command_line,
    job_options,
    run_jobs,
    run_startup_tests,
    try_jobs,
)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    job_options(parser).add_argument(
        '--resume-from', metavar='FILE', nargs='?', const='auto',
        help='continue from a checkpoint; without FILE, or with auto, from the newest one in the '
             'work dir')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None, command: Optional[List[str]] = None) -> None:
    """Run the command.

    Args:
        argv: arguments; None takes the process's own.
        command: command line that is repeated to go on, if it is not this one.
    """
    args = parse_args(argv)
    check_args(args)
    with launched(args.launcher, args.device, args.local_rank) as device:
        jobs = distributed.from_first(lambda: [config_job(args)])
        if args.startup_test:
            run_startup_tests(jobs, args, device)
        elif not args.dry_run:
            run_jobs(jobs, args, device, command or command_line(argv), again=False)
        elif distributed.rank() == 0:
            try_jobs(jobs)


def check_args(args: argparse.Namespace) -> None:
    check_startup_test(args)
    if args.resume_from:
        if args.resume_from != 'auto':
            check_file_option('--resume-from', args.resume_from)
    else:  # later the file may be missing
        check_file_option('--load-from', args.load_from)


def config_job(args: argparse.Namespace) -> Job:
    """Make the job of a config."""
    cfg = load_config(args.config, args.cfg_options)
    validate(cfg)
    name = experiment_name(cfg) + (f'_s{args.seed}' if args.seed is not None else '')
    work_dir = args.work_dir or os.path.join('work_dirs', 'local', name)
    if not args.resume_from and not args.startup_test and has_checkpoint(work_dir):
        if args.work_dir:
            raise ConfigError(f'--work-dir {work_dir} holds another run already: go on with it by '
                              '--resume-from auto, or choose another folder')
        work_dir = next_free(work_dir)
    return Job(args.config, args.cfg_options, args.seed, work_dir, args.resume_from,
               args.load_from)


def next_free(work_dir: str) -> str:
    """Append to ``work_dir`` the first number without checkpoints."""
    number = 2
    while has_checkpoint(f'{work_dir}_{number}'):
        number += 1
    print(f'{work_dir} holds a run already (--resume-from auto goes on with it): this one goes to '
          f'{work_dir}_{number}', flush=True)
    return f'{work_dir}_{number}'
