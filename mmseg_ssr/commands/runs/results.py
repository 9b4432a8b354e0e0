"""Print the results of a table's finished runs beside the published numbers, as Markdown.

    mmseg-ssr results ssr --json ssr.json
"""
import argparse
import json
import os
from typing import List, Optional

from ...engine.experiments.results import Runs, as_dict, markdown, read_run
from ...errors import MissingFile, cli
from ...experiments import Row, by_id
from ...utils.atomic_file import write_atomic
from .jobs import Job, config_options, job_config
from .table import chosen_rows, table_jobs, table_options


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    table_options(parser)
    parser.add_argument('--json', metavar='FILE', help='also write the results to FILE')
    parser.add_argument('--work-dir', metavar='DIR', help='folder of the runs')
    parser.add_argument('--load-from', metavar='FILE',
                        help='checkpoint with weights that the runs started from')
    config_options(parser)
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    if args.json and not os.path.isdir(os.path.dirname(args.json) or '.'):
        raise MissingFile(f'--json {args.json}: there is no folder {os.path.dirname(args.json)}')
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


def runs_of(row: Row, jobs: List[Job], baseline: Optional[str]) -> Runs:
    """Collect the results of a row's jobs."""
    found = {job.seed: read_run(job.work_dir, job_config(job), row.metric)
             for job in jobs}
    return Runs(
        row.name, {seed: scores for seed, (scores, _) in found.items() if scores is not None},
        {seed: why for seed, (scores, why) in found.items() if scores is None},
        row.metric, row.published, row.baseline or baseline, row.source, row.note, row.classes)
