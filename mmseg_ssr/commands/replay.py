"""Run the iteration again in which a loss or gradient was not finite.

    mmseg-ssr replay work_dirs/local/NAME/not_finite_iter_123.pth

Prints every loss, and the parameters whose gradient is not finite. Changes nothing.
"""
from typing import List, Optional

from ..engine.training.non_finite import replay
from ..errors import cli
from ..utils.device import pick_device
from .options import command_parser, device_option


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = command_parser(__doc__)
    parser.add_argument('file', help='not_finite_iter_N.pth of a work directory')
    device_option(parser)
    args = parser.parse_args(argv)
    losses, parameters = replay(args.file, pick_device(args.device))
    for name, value in losses.items():
        print(f'{name:40} {value}')
    print(f'{len(parameters)} parameters with a gradient that is not finite'
          + ''.join(f'\n    {name}' for name in parameters))
