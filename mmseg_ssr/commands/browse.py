"""Show the input of a training before it starts.

    mmseg-ssr browse CONFIG --out DIR

Writes into DIR alone. iter_N.png shows the views of the first iterations (source, target with
pseudo-label and weight, mixed, masked), exactly those of a training with this seed.
class_statistics.png shows the class frequencies, and rare_class_sampling.png how sampling changes
them. Prints the shares of the classes. If weights are missing, they are random, and pseudo-labels
have no meaning.
"""
import argparse
import os
from typing import List, Optional

from ..browse.views import browse
from ..engine.config.load import load_config
from ..engine.config.validate import validate
from ..engine.config.values import experiment_name, max_iterations
from ..engine.training.start import seed_training
from ..errors import ConfigError, cli
from ..utils.device import pick_device
from ..utils.paths import check_file
from .options import cfg_options, command_parser, device_option, weights_option

#: Enough for the shares of any number of classes.
MOST_DRAWS = 10**6


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--out', metavar='DIR', help='folder of the pictures (default: '
                        'browse/NAME of the config)')
    parser.add_argument('--iterations', type=int, metavar='N',
                        help='iterations to draw (default: the first 4; 0: statistics only)')
    parser.add_argument('--draws', type=int, default=2000, metavar='K', help='number of '
                        'samples for the table of rare class sampling (default: %(default)s)')
    parser.add_argument('--seed', type=int, help='seed that replaces the one in the config')
    parser.add_argument('--checkpoint', metavar='FILE', help='weights that label the target '
                        'images (default: those that the training starts with)')
    weights_option(parser)
    device_option(parser)
    cfg_options(parser)
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    if not 1 <= args.draws <= MOST_DRAWS:
        raise ConfigError(f'--draws must be in 1..{MOST_DRAWS}, got {args.draws}')
    if args.weights != 'student' and not args.checkpoint:
        raise ConfigError(f'--weights {args.weights} is of a checkpoint: give --checkpoint FILE')
    if args.checkpoint:
        check_file(args.checkpoint, '--checkpoint')
    device = pick_device(args.device)
    cfg = load_config(args.config, args.cfg_options)
    validate(cfg)
    if args.iterations is None:
        args.iterations = min(4, max_iterations(cfg))
    if not 0 <= args.iterations <= max_iterations(cfg):
        raise ConfigError(f'--iterations must be in 0..{max_iterations(cfg)} (runner.max_iters), '
                          f'got {args.iterations}')
    out = args.out or os.path.join('browse', experiment_name(cfg))
    seed = seed_training(cfg, args.seed, deterministic=False, begun=None)
    print(f'{experiment_name(cfg)}: seed {seed}')
    for line in browse(cfg, out, device, seed, args.iterations, args.draws,
                       args.checkpoint, args.weights):
        print(line, flush=True)
