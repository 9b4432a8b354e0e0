"""Print the results of a table's finished runs beside the published numbers, as Markdown.

    mmseg-ssr results ssr --json ssr.json
    mmseg-ssr results ssr --page ssr.html

The page shows scores and classes as bars. Pictures need checkpoints and data: the best, the median
and the worst test image by the score of the last row, as one run of each row predicts them, with a
seed that all have finished. Without them the page shows the scores alone, and says what is left
out and why.
"""
import argparse
import json
from typing import Dict, List, Optional, Sequence

from ...engine.experiments.results import Runs, as_dict, markdown, read_run
from ...errors import ConfigError, cli
from ...experiments import Row, by_id
from ...report.results import write_results
from ...report.write import IMAGES
from ...utils.atomic_file import write_atomic
from ...utils.device import pick_device
from ...utils.paths import check_place
from ..options import command_parser
from .jobs import Job, config_options, job_config
from .table import chosen_rows, parse_with_table, table_jobs, table_options


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    table_options(parser)
    parser.add_argument('--json', metavar='FILE', help='also write the results to FILE')
    parser.add_argument('--page', metavar='FILE', help='also write them as an HTML page')
    parser.add_argument('--images', type=int, default=IMAGES, metavar='N',
                        help='number of test images to predict for the page, evenly spread '
                             '(default: %(default)s; 0: no pictures)')
    parser.add_argument('--device', default='auto',
                        help='device that predicts them: auto, cpu, or a device of torch')
    parser.add_argument('--work-dir', metavar='DIR', help='folder of the runs')
    parser.add_argument('--load-from', metavar='FILE',
                        help='checkpoint with weights that the runs started from')
    config_options(parser)
    return parse_with_table(parser, argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    check_args(args)
    jobs = table_jobs(args, every_row=True)  # baselines may not be among --rows
    experiment = by_id()[args.table]
    everything = [runs_of(row, [job for job in jobs if job.row is row], experiment.baseline)
                  for row in experiment.rows]
    chosen = [row.name for row in chosen_rows(experiment, args.rows)]
    table = [runs for runs in everything if runs.name in chosen]
    title = f'{experiment.id}: {experiment.title} ({experiment.source})'
    print(markdown(title, table, everything), end='')
    if args.json:
        content = dict(experiment=experiment.id, rows=as_dict(table, everything))
        write_atomic(args.json, json.dumps(content, indent=2, allow_nan=False).encode())
    if args.page:
        write_results(args.page, f'{experiment.id}: {experiment.title}', experiment.source, table,
                      everything, shown_runs(table, jobs), pick_device(args.device), args.images)


def check_args(args: argparse.Namespace) -> None:
    """Check the arguments before the work."""
    check_place(args.json, '--json')
    check_place(args.page, '--page')
    if args.images < 0:
        raise ConfigError(f'--images must be at least 0, got {args.images}')


def shown_runs(table: Sequence[Runs], jobs: Sequence[Job]) -> Dict[str, str]:
    """Return the folder of one finished run of each row, by the row's name and the seed.

    It is the first seed that all rows with a result have finished, or else each row's first one.
    """
    finished = [set(runs.scores) for runs in table if runs.scores]
    common = set.intersection(*finished) if finished else set()
    folders: Dict[str, str] = {}
    for runs in table:
        seeds = set(runs.scores) & (common or set(runs.scores))
        job = next((job for job in jobs if job.row.name == runs.name and job.seed in seeds), None)
        if job:
            folders[f'{runs.name}, seed {job.seed}'] = job.work_dir
    return folders


def runs_of(row: Row, jobs: List[Job], baseline: Optional[str]) -> Runs:
    """Collect the results of a row's jobs."""
    found = {job.seed: read_run(job.work_dir, job_config(job), row.metric)
             for job in jobs}
    return Runs(
        row.name, {seed: scores for seed, (scores, _) in found.items() if scores is not None},
        {seed: why for seed, (scores, why) in found.items() if scores is None},
        row.metric, row.published, row.baseline or baseline, row.source, row.note, row.classes)
