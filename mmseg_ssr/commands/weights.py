"""Download pretrained weights by name.

    mmseg-ssr weights mit_b5 sam_vit_b            into pretrained/
    mmseg-ssr weights --for CONFIG...             all files that configs name, where they name them
    mmseg-ssr weights --list                      every file with its size, license and address

Files that are there are checked and stay. A download that was broken off goes on with the next
call. A file gets its name when it is whole and its sum is right.
"""
import argparse
import os
from typing import Any, Dict, List, Mapping, Optional

from mmcv import Config

from ..engine.checkpoint.pretrained import refuse_downloads, weight_files_of
from ..engine.config.load import load_config
from ..engine.config.validate import validate
from ..errors import Interrupted, MissingFile, cli
from ..utils.signals import Interruption
from ..weights import FILES, FOLDER, Published, find_published
from ..weights.download import fetch
from ..weights.published import published_named
from ..weights.sums import recorded_sum
from .options import cfg_options, command_parser


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    if args.list:
        show_list()
        return
    try:
        with Interruption():
            fetch_all(args)
    except Interrupted as error:
        error.message += '; the same command goes on'
        raise


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('names', nargs='*', metavar='NAME', help='name of --list')
    parser.add_argument('--for', nargs='+', action='extend', default=[], dest='configs',
                        metavar='CONFIG', help='config file whose weights to download')
    cfg_options(parser)
    parser.add_argument('--dir', metavar='DIR',
                        help=f'folder for files given by NAME (default: {FOLDER})')
    parser.add_argument('--list', action='store_true', help='show all files and stop')
    args = parser.parse_args(argv)
    if not (args.names or args.configs or args.list):
        parser.error('give a NAME, --for CONFIG or --list')
    if args.dir and not args.names:
        parser.error('--dir is for files given by NAME, a config says where its files belong')
    return args


def show_list() -> None:
    rows = [('name', 'file', 'bytes', 'license', 'address')]
    rows += [(one.name, one.file, f'{one.size:,}' if one.size else 'unknown', one.license,
              one.places) for one in FILES.values()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print('  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def fetch_all(args: argparse.Namespace) -> None:
    """Download the files of names and configs that have an address, then name the others.

    Raises:
        MissingFile: a file that a config names is missing and has no address.
    """
    wanted: Dict[str, Published] = {}
    for name in args.names:
        one = published_named(name)
        file = name if one.owns(name) else one.file
        wanted[os.path.join(args.dir or FOLDER, file)] = one
    unknown = []
    configs = [checked_config(path, args.cfg_options) for path in args.configs]
    for file, key in weight_files_of(configs).items():
        one = find_published(file)
        if one is not None:
            wanted[file] = one
        elif not os.path.isfile(file):
            unknown.append(f'{file} ({key})')
    for path, one in wanted.items():
        show_fetched(one, path)
    if unknown:
        raise MissingFile(f'no address is known for {", ".join(unknown)}: put the file there, or '
                          'train the checkpoint first')
    if not wanted:
        print('the configs need no published weights')


def checked_config(path: str, options: Mapping[str, Any]) -> Config:
    """Read a config, as the doctor does.

    Raises:
        ConfigError: the config has faults.
    """
    cfg = load_config(path, options)
    validate(cfg)
    refuse_downloads(cfg)
    return cfg


def show_fetched(one: Published, path: str) -> None:
    """Download a file with a bar, and tell its state."""
    from tqdm import tqdm
    with tqdm(unit='B', unit_scale=True, unit_divisor=1024, desc=path, leave=False,
              mininterval=0.5, disable=None) as bar:  # no bar in a log

        def show(done: int, total: Optional[int]) -> None:
            bar.total = total
            bar.update(done - bar.n)

        how = f'downloaded from {one.url}' if fetch(one, path, show) else 'is there'
    digest = recorded_sum(path) or ''
    print(f'{path}: {how}, sha256 {digest}, '
          + ('as published' if one.has_sum(digest) else 'no published sum to compare with'))
