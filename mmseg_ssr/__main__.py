"""The command line ``mmseg-ssr``, which is also ``python -m mmseg_ssr``."""
import argparse
import importlib
import sys
from typing import List, Optional

from . import HINDRANCE, LINE
from .starting import quiet_start

#: Name of a command -> its module in :mod:`.commands`, and what it does.
COMMANDS = {
    'train': ('runs.train', 'train and test a config'),
    'test': ('test', 'score a checkpoint, paint images, pack files for a server'),
    'predict': ('predict', 'predict images, folders, videos or a camera'),
    'table': ('runs.table', 'train and test a table of experiments'),
    'results': ('runs.results', 'print results of a table beside the published numbers'),
    'export': ('export', 'write a model in other formats'),
    'report': ('report', 'write one page about one or several trainings'),
    'browse': ('browse', 'draw what a training will see'),
    'doctor': ('doctor', 'check installation, weights and data'),
    'convert': ('convert', 'convert the labels of a data set and count its classes'),
    'benchmark': ('benchmark', 'measure time, memory and arithmetic'),
    'weights': ('weights', 'download published weights by name'),
    'streets': ('make_streets', 'draw the data set Streets'),
    'replay': ('replay', 'run the iteration again in which a number was not finite'),
    'encoder-maps': ('encoder_maps', "make SSR's maps of all training images once"),
    'plain-weights': ('plain_weights', 'copy the weights of a file alone'),
    'migrate': ('migrate', 'write a config in the words of mmseg 1.x'),
}
#: The commands that run where mmseg 1.x is installed. The others need mmseg 0.x.
WITH_MMSEG1 = ('convert', 'streets', 'migrate')
WIDTH = max(map(len, COMMANDS))
EPILOG = '\n'.join(['commands:',
                    *(f'  {name:{WIDTH}}  {does}' for name, (_, does) in COMMANDS.items()), '',
                    'mmseg-ssr COMMAND --help shows the options of a command.'])


def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(
        prog='mmseg-ssr', description='Domain adaptive semantic segmentation with SSR, DAFormer, '
        'HRDA, MIC and others.', epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('command', choices=COMMANDS, metavar='COMMAND')
    words = sys.argv[1:] if argv is None else argv
    name = parser.parse_args(words[:1]).command
    if HINDRANCE:
        parser.exit(2, f'error: mmseg-ssr {name} cannot run: {HINDRANCE}\n')
    if LINE == 1 and name not in WITH_MMSEG1:
        parser.exit(2, f'error: mmseg-ssr {name} needs mmseg 0.x, and 1.x is installed '
                    '(docs/mmseg1.md)\n')
    with quiet_start():
        module = importlib.import_module(f'.commands.{COMMANDS[name][0]}', __package__)
    sys.argv = [f'{parser.prog} {name}', *words[1:]]  # argparse shows the first word
    module.main()


if __name__ == '__main__':
    main()
