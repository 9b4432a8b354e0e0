"""Run the iteration again in which a loss or gradient was not finite.

    python tools/replay.py work_dirs/local/NAME/not_finite_iter_123.pth

Prints every loss, and the parameters whose gradient is not finite. Changes nothing.
"""
import argparse
import sys
import warnings
from pathlib import Path
from typing import List, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
warnings.filterwarnings('ignore', message='On January 1, 2023, MMCV')

import mmseg_ssr  # noqa: F401
from mmseg_ssr.engine.training.non_finite import replay
from mmseg_ssr.errors import cli
from mmseg_ssr.utils.device import pick_device


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file', help='not_finite_iter_N.pth of a work directory')
    parser.add_argument('--device', default='auto', help='auto, cpu, or a device of torch')
    args = parser.parse_args(argv)
    losses, parameters = replay(args.file, pick_device(args.device))
    for name, value in losses.items():
        print(f'{name:40} {value}')
    print(f'{len(parameters)} parameters with a gradient that is not finite'
          + ''.join(f'\n    {name}' for name in parameters))


if __name__ == '__main__':
    main()
