"""The shared command line of the converters."""
import argparse
import sys
from typing import Callable, Optional, Sequence

from ..errors import cli
from ..labels.conversion import Conversion
from ..utils.parallel import default_workers, progress_bar, worker_count


@cli
def run_converter(convert: Callable[..., Conversion], name: str, folder: str, published: int,
                  arguments: Optional[Sequence[str]] = None) -> None:
    """Parse ``DATA --nproc N``, convert, report, and exit.

    The exit code is 0 if all labels are converted, 1 if some could not be (each is named at the
    end), 2 if the folder or an argument is wrong, and 130 after Ctrl-C.

    Args:
        convert: ``convert(root, workers, progress)`` of :mod:`.label_conversion`.
        name: name of the data set, for messages.
        folder: folder where its files are expected, relative to the repository.
        published: number of labels of the whole data set; another number is reported.
        arguments: arguments of the command line; None uses the process's own.
    """
    parser = argparse.ArgumentParser(
        description=f'Write the train labels (*_labelTrainIds.png) and the class statistics of '
                    f'{name}. A second call continues a stopped one.')
    parser.add_argument('data', nargs='?', default=folder,
                        help=f'folder of the data set (default: {folder})')
    parser.add_argument('--nproc', type=worker_count, default=default_workers(),
                        help='number of processes (default: %(default)s)')
    options = parser.parse_args(arguments)
    if not options.data:
        parser.error('argument data: expected a folder, got an empty text')
    try:
        result = convert(options.data, options.nproc, progress_bar(f'{name} labels'))
    except KeyboardInterrupt:
        print('stopped: the same command goes on where it was', file=sys.stderr)
        sys.exit(130)
    _report(result, options.data, published)


def _report(result: Conversion, folder: str, published: int) -> None:
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
