"""Options that several commands have.

The engine is imported where it is needed: some commands do without it, and without its packages.
"""
import argparse


def command_parser(about: str) -> argparse.ArgumentParser:
    """Return a parser whose help begins with a text as it is laid out."""
    return argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter)


def device_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--device', default='auto', help='auto, cpu, or a device of torch')


def cfg_options(parser: argparse.ArgumentParser, *other_names: str) -> None:
    from ..engine.config.load import Options
    parser.add_argument('--cfg-options', *other_names, nargs='+', action=Options, default={},
                        metavar='KEY=VALUE', help='change the config, as uda.alpha=0.99')


def trust_option(parser: argparse.ArgumentParser, what: str = 'file') -> None:
    parser.add_argument('--trust-checkpoint', action='store_true',
                        help=f'also read a {what} that could run code when it is read')


def weights_option(parser: argparse.ArgumentParser) -> None:
    from ..engine.checkpoint.weights import ROLES
    parser.add_argument('--weights', choices=ROLES, default='student',
                        help='network of the training to use (default: student, as published)')


def inference_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--batched-slide', type=int, metavar='N',
                        help='number of sliding windows in a batch (default: as in the config)')
    parser.add_argument('--amp', choices=('bfloat16', 'float16'),
                        help='mixed precision (default: as in the config, else float32)')
    parser.add_argument('--compile', action='store_true',
                        help='compile the network for each image size; the first image of a size '
                             'takes longer')
