"""Draw the Streets data set in the layouts of GTA5 and Cityscapes, or of other data sets."""
import argparse
from typing import List, Optional

from ..errors import cli
from ..streets import LAYOUTS, make_streets
from ..utils.parallel import progress_bar, worker_count


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('root', help='folder in which a folder for each layout is made')
    parser.add_argument('--layouts', nargs='+', default=('gta', 'cityscapes'), choices=LAYOUTS,
                        metavar='NAME', help=f'layouts, of {", ".join(LAYOUTS)} '
                        '(default: gta cityscapes)')
    parser.add_argument('--images', type=int, default=200, metavar='N',
                        help='number of source images, and of target images for each condition '
                             'and city (default: %(default)s)')
    parser.add_argument('--val-images', type=int, default=60, metavar='N',
                        help='number of target images for validation (default: %(default)s)')
    parser.add_argument('--size', type=int, nargs=2, default=(512, 256), metavar=('W', 'H'),
                        help='image size in pixels (default: 512 256)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--nproc', type=worker_count,
                        help='number of processes (default: one for each core)')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    root = make_streets(args.root, args.images, args.images, args.val_images, tuple(args.size),
                        args.seed, args.nproc, progress_bar('Streets'), args.layouts)
    print(f'{args.images} source, {args.images} target and {args.val_images} validation images of '
          f'{args.size[0]} x {args.size[1]} pixels are in '
          f'{" and ".join(f"{root}/{name}" for name in args.layouts)}')
