"""Report faults of the installation, weights and data, in the order in which to mend them.

    mmseg-ssr doctor                       the installation and the machine
    mmseg-ssr doctor CONFIG...             also the weights, maps and data that configs name
    mmseg-ssr doctor CONFIG... --quick     a sample of the files, for a first look

Every image and label is read once. The checks cover pairs, damaged files, sizes, kinds and values
of labels, frames of a single color, counts against the published ones, and class statistics
against the labels. Labels of a target domain's training images are not read. Nothing is changed.

The exit code is 0 if nothing is wrong (warnings are allowed), 1 if something has to be mended,
and 2 if a config or an argument is wrong.
"""
import argparse
import sys
from typing import List, Optional, Sequence

from ..errors import cli
from ..utils.installation import faults_here
from .options import cfg_options, command_parser

#: Number of files of a fault that are shown without --all.
SHOWN = 10
#: Number of pairs of each data set that are read with --quick.
QUICK = 100


def main(argv: Optional[List[str]] = None) -> None:
    faults = faults_here()
    if faults:
        show([faults], None)
        print(f'\n{len(faults)} to mend before anything else can be looked at')
        sys.exit(1)
    cli(examine)(parse_args(argv))


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    from ..utils.parallel import default_workers, worker_count
    parser = command_parser(__doc__)
    parser.add_argument('configs', nargs='*', metavar='CONFIG', help='config file')
    parser.add_argument('--quick', action='store_true',
                        help=f'read only {QUICK} pairs of each data set, evenly spread')
    parser.add_argument('--all', action='store_true',
                        help=f'name every file, not only the first {SHOWN} of each fault')
    parser.add_argument('--nproc', type=worker_count, default=default_workers(),
                        help='number of processes (default: %(default)s)')
    cfg_options(parser)
    return parser.parse_args(argv)


def examine(args: argparse.Namespace) -> None:
    """Examine everything, report what was examined, then the findings."""
    from .. import doctor
    from ..engine.checkpoint.pretrained import refuse_downloads
    from ..engine.config.load import load_config
    from ..engine.config.validate import validate
    from ..utils.parallel import progress_bar
    configs = [load_config(path, args.cfg_options) for path in args.configs]
    for cfg in configs:
        validate(cfg)
        refuse_downloads(cfg)
    lines, findings = doctor.examine_machine()
    more_lines, more = doctor.examine_weights(configs)
    print(*lines, *more_lines, sep='\n')
    findings += [*more, *doctor.examine_maps(configs)]
    for report in doctor.examine_datasets(configs, args.nproc, QUICK if args.quick else None,
                                          progress_bar):
        show_report(report)
        findings += report.findings
    finish(doctor.in_order(findings), None if args.all else SHOWN)


def show_report(report) -> None:
    read = '' if report.read == report.images else f', {report.read} of them read'
    print(f'{report.key}, {report.name}: '
          + (f'{report.images} images, {report.labels} labels{read}' if report.images else 'none'))
    shares = [f'{name} {100 * share:.2f} %' for name, share in report.pixels.items()]
    if shares:
        print('  pixels:', ', '.join(shares))


def finish(groups: Sequence[Sequence], shown: Optional[int]) -> None:
    """Show faults to be mended, then warnings. Exit with 1 if there are faults."""
    errors = [group for group in groups if not group[0].is_warning]
    hints = [group for group in groups if group[0].is_warning]
    if errors:
        print('\nTO MEND, in this order')
        show(errors, shown)
    if hints:
        print('\nWARNINGS: it works like this, but may not be meant')
        show(hints, shown)
    told = f'{len(hints)} warning{"" if len(hints) == 1 else "s"}'
    print(f'\n{len(errors)} to mend in {sum(map(len, errors))} places, {told}' if errors else
          f'\nnothing is wrong, {told}')
    if errors:
        sys.exit(1)


def show(groups: Sequence[Sequence], shown: Optional[int]) -> None:
    """Show findings of one fault together: the files, the expected state, the repair."""
    for number, group in enumerate(groups, start=1):
        count = f' ({len(group)})' if len(group) > 1 else ''
        print(f'{number}. {group[0].title}{count}')
        for finding in group[:shown]:
            print(f'     {finding.file}: {finding.found}')
        if shown is not None and len(group) > shown:
            print(f'     ... and {len(group) - shown} more: --all names them')
        print(f'   expected: {group[0].expected}\n   mend: {group[0].mend}')
