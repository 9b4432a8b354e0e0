"""Convert the labels of a data set to train ids, and count its classes.

    mmseg-ssr convert gta data/gta --nproc 8

Writes *_labelTrainIds.png beside the labels and the class statistics into the folder. A second
call continues a stopped one. The exit code is 0 if all labels are converted, 1 if some could not
be (each is named at the end), 2 if the folder or an argument is wrong, and 130 after Ctrl-C.
"""
import argparse
import sys
from typing import List, NamedTuple, Optional

from ..errors import cli
from ..labels import published
from ..labels.conversion import Conversion
from ..utils.parallel import default_workers, progress_bar, worker_count
from .options import command_parser


class DataSet(NamedTuple):
    """A data set that can be converted.

    Attributes:
        title: its name in messages.
        folder: folder where its files are expected, relative to the repository.
        count: number of its labels. Another number is reported.
        labels: its labels as they are published.
    """
    title: str
    folder: str
    count: int
    labels: published.Published


DATA_SETS = {
    'gta': DataSet('GTA5', 'data/gta', 24966, published.GTA),
    'synthia': DataSet('SYNTHIA', 'data/synthia', 9400, published.SYNTHIA_RAND),
    'cityscapes': DataSet('Cityscapes', 'data/cityscapes', 3475, published.CITYSCAPES_FINE),
    'crosscity': DataSet('NTHU Cross-City', 'data/NTHU_Datasets', 400, published.CROSS_CITY),
    'synscapes': DataSet('Synscapes', 'data/synscapes', 25000, published.SYNSCAPES),
    'mapillary': DataSet('Mapillary Vistas', 'data/mapillary', 20000, published.MAPILLARY_VISTAS),
    'wilddash': DataSet('WildDash2', 'data/wilddash', 4256, published.WILD_DASH),
}


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
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
    data_set = DATA_SETS[args.name]
    try:
        result = published.convert(data_set.labels, args.data, args.nproc,
                                   progress_bar(f'{data_set.title} labels'))
    except KeyboardInterrupt:
        print('stopped: the same command goes on where it was', file=sys.stderr)
        sys.exit(130)
    report(result, args.data, data_set.count)


def report(result: Conversion, folder: str, expected: int) -> None:
    """Print what was converted. Exit with 1 if some labels could not be."""
    print(f'{folder}: {result.converted} labels converted, {result.skipped} were up to date')
    found = len(result.statistics) + len(result.failures)
    if found != expected:
        print(f'note: {found} labels in all, the published data set has {expected}')
    for file in result.empty:
        print(f'warning: {file} holds none of the 19 classes', file=sys.stderr)
    if result.failures:
        print(f'error: {len(result.failures)} labels could not be converted:',
              *result.failures, sep='\n  ', file=sys.stderr)
        sys.exit(1)
