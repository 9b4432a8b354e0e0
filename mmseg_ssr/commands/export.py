"""Write a trained model in formats for other programs, with a model card.

    mmseg-ssr export work_dirs/RUN/latest.pth --out DIR --formats mmseg safetensors onnx

Only the shadow branch is exported, without SAM, teacher and training state. Each file is run and
compared with the network. If its logits differ by more than 1e-4, that is an error, and the file
is removed (docs/deploy.md).
"""
import argparse
from pathlib import Path
from typing import List, Optional

from ..deploy.export import CARD, export, others_in
from ..deploy.formats import FORMATS
from ..deploy.model_file import read_model
from ..deploy.numbers import find_numbers, read_numbers
from ..errors import ConfigError, cli
from .options import command_parser, trust_option, weights_option


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('model', metavar='MODEL', help='checkpoint (.pth) or .safetensors file')
    parser.add_argument('--out', metavar='DIR', required=True, help='folder for the files')
    parser.add_argument('--formats', nargs='+', choices=FORMATS, default=['mmseg'],
                        help='formats to write (default: mmseg, a plain checkpoint)')
    parser.add_argument('--size', nargs=2, type=int, metavar=('HEIGHT', 'WIDTH'), help='size '
                        'of the image for making graphs (default: as in the test of the config)')
    parser.add_argument('--fixed-size', action='store_true',
                        help='make graphs for that size alone, which may run faster')
    parser.add_argument('--numbers', metavar='FILE', help='scores for the model card: result.json '
                        'or eval.json (default: those beside the checkpoint)')
    parser.add_argument('--config', metavar='FILE', help='config to use if MODEL has none')
    weights_option(parser)
    trust_option(parser)
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    if args.size and min(args.size) < 64:
        raise ConfigError(f'--size must be at least 64 64, got {args.size[0]} {args.size[1]}')
    if (args.size or args.fixed_size) and not any(FORMATS[name].traced for name in args.formats):
        raise ConfigError('--size and --fixed-size are for graphs: give one of '
                          f'{", ".join(name for name in FORMATS if FORMATS[name].traced)}')
    model = read_model(args.model, args.config, args.trust_checkpoint)
    numbers = read_numbers(args.numbers, args.weights) if args.numbers else find_numbers(
        model, args.weights)
    files = export(model, args.out, args.formats, args.weights, args.size, args.fixed_size,
                   numbers)
    for file in files:
        images = 'images of any size'
        if file.fixed_size:
            images = f'images of {file.fixed_size[0]} x {file.fixed_size[1]} ({file.reason})'
        print(f'{file.path}: {file.bytes / 1e6:.1f} MB, {images}, logits within '
              f'{file.difference:.1e} of the network')
    print(f'{Path(args.out) / CARD}: model card')
    for name in others_in(args.out, files):
        print(f'{Path(args.out) / name} is of an earlier export, and not in the card')
