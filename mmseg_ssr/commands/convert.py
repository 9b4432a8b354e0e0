"""Convert the labels of a data set to train ids, and count its classes.

    mmseg-ssr convert gta data/gta --nproc 8

Writes *_labelTrainIds.png beside the labels and the class statistics into the folder. A second
call continues a stopped one. The exit code is 0 if all labels are converted, 1 if some could not
be (each is named at the end), 2 if the folder or an argument is wrong, and 130 after Ctrl-C.
"""
import argparse
import sys
from typing import Callable, List, NamedTuple, Optional

from ..errors import cli
from ..labels import conversion, further_conversion
from ..utils.parallel import default_workers, progress_bar, worker_count


class Published(NamedTuple):
    """A data set as its authors publish it.

    Attributes:
        title: its name in messages.
        folder: folder where its files are expected, relative to the repository.
        labels: number of its labels. Another number is reported.
        convert: ``convert(root, workers, progress)``.
    """
    title: str
    folder: str
    labels: int
    convert: Callable[..., conversion.Conversion]


DATA_SETS = {
    'gta': Published('GTA5', 'data/gta', 24966, conversion.convert_gta),
    'synthia': Published('SYNTHIA', 'data/synthia', 9400, conversion.convert_synthia),
    'cityscapes': Published('Cityscapes', 'data/cityscapes', 3475, conversion.convert_cityscapes),
    'crosscity': Published('NTHU Cross-City', 'data/NTHU_Datasets', 400,
                           conversion.convert_crosscity),
    'synscapes': Published('Synscapes', 'data/synscapes', 25000,
                           further_conversion.convert_synscapes),
    'mapillary': Published('Mapillary Vistas', 'data/mapillary', 20000,
                           further_conversion.convert_mapillary),
    'wilddash': Published('WildDash2', 'data/wilddash', 4256,
                          further_conversion.convert_wilddash),
}


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', choices=DATA_SETS, help=f'data set: {", ".join(DATA_SETS)}',
                        metavar='NAME')
    parser.add_argument('data', nargs='?', help='folder of the data set (default: '
                        + ', '.join(one.folder for one in DATA_SETS.values()) + ')')
    parser.add_argument('--nproc', type=worker_count, default=default_workers(),
                        help='number of processes (default: %(default)s)')
    args = parser.parse_args(argv)
    if args.data is None:
        args.data = DATA_SETS[args.name].folder
    if not args.data:
        parser.error('argument data: expected a folder, got an empty text')
    return args


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    published = DATA_SETS[args.name]
    try:
        result = published.convert(args.data, args.nproc, progress_bar(f'{published.title} labels'))
    except KeyboardInterrupt:
        print('stopped: the same command goes on where it was', file=sys.stderr)
        sys.exit(130)
    report(result, args.data, published.labels)


def report(result: conversion.Conversion, folder: str, published: int) -> None:
    """Print what was converted. Exit with 1 if some labels could not be."""
    print(f'{folder}: {result.converted} labels converted, {result.skipped} were up to date')
    found = len(result.statistics) + len(result.failures)
    if found != published:
        print(f'note: {found} labels in all, the published data set has {published}')
    for file in result.empty:
        print(f'warning: {file} holds none of the 19 classes', file=sys.stderr)
    if result.failures:
        print(f'error: {len(result.failures)} labels could not be converted:',
              *result.failures, sep='\n  ', file=sys.stderr)
        sys.exit(1)
