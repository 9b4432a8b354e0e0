"""Write one HTML page about one or several trainings: scores, classes, images, curves, attention.

    mmseg-ssr report work_dirs/local/NAME
    mmseg-ssr report work_dirs/demo/source_only_s0 work_dirs/demo/daformer_s0 --out two.html

The other runs are compared with the first one. The last one chooses the images: its best, median
and worst. The page needs no network and no other file. Without checkpoint or data it shows the logs
alone, and says what is left out and why.
"""
import argparse
from typing import List, Optional

from ..errors import ConfigError, cli
from ..report.write import IMAGES, write_report
from ..utils.device import pick_device
from .options import command_parser, device_option


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('work_dirs', nargs='+', metavar='WORK_DIR',
                        help='folder with the logs and checkpoints of a training')
    parser.add_argument('--out', metavar='FILE',
                        help='path of the page (default: report.html in the first WORK_DIR)')
    parser.add_argument('--images', type=int, default=IMAGES, metavar='N',
                        help='number of test images to predict, evenly spread (default: '
                             '%(default)s; 0: logs only)')
    device_option(parser)
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    if args.images < 0:
        raise ConfigError(f'--images must be at least 0, got {args.images}')
    print(write_report(args.work_dirs, args.out, pick_device(args.device), args.images))
