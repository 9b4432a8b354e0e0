"""The script run_experiments.py: ``train``, ``table`` and ``results`` in one.

    python run_experiments.py --config FILE         is mmseg-ssr train FILE
    python run_experiments.py --exp ID              is mmseg-ssr table ID
    python run_experiments.py --exp ID --results    is mmseg-ssr results ID
    python run_experiments.py --list                is mmseg-ssr table --list

All other options are theirs. Add --help to one of these lines to see them.
"""
import argparse
from typing import List, Optional

from ..runs import results, table, train
from ..runs.jobs import command_line


def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False,
        allow_abbrev=False)
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--config', metavar='FILE', help='config to train')
    what.add_argument('--exp', metavar='ID', help='table to run')
    what.add_argument('--list', action='store_true', help='list the tables')
    parser.add_argument('--results', action='store_true', help='print results and run nothing')
    args, rest = parser.parse_known_args(argv)
    if args.list:
        table.main([*rest, *['--results'] * args.results, '--list'])
    elif args.config is not None:
        train.main([args.config, *rest, *['--results'] * args.results], command_line(argv))
    elif args.exp is None:
        if not {'-h', '--help'} & set(rest):
            unknown = f', which {" ".join(rest)} is not' if rest else ''
            parser.error(f'expected --config FILE, --exp ID or --list{unknown}')
        parser.print_help()
    elif args.results:
        results.main([args.exp, *rest])
    else:
        table.main([args.exp, *rest], command_line(argv))
