"""Measure time, memory and arithmetic, and compare with other packages and published code.

    mmseg-ssr benchmark step --methods daformer daformer_ssr --modes exact joint
    mmseg-ssr benchmark encoder --only sam regularizer
    mmseg-ssr benchmark inference --sizes 1024x512
    mmseg-ssr benchmark data
    mmseg-ssr benchmark eval
    mmseg-ssr benchmark scale --images 1000 1000000
    mmseg-ssr benchmark gpu --minutes 8

Every case runs in its own process. The cases take turns (A B A B), so that other load on the
machine affects all of them. See docs/benchmarks.md.
"""
import argparse
import logging
import math
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import torch

from ..benchmark.cases import Settings
from ..benchmark.data import benchmark_data
from ..benchmark.encoder import COMPARISONS, Options, benchmark_encoder
from ..benchmark.gpu.pieces import Setup
from ..benchmark.gpu.run import benchmark_gpu
from ..benchmark.inference import MODES as INFERENCE_MODES
from ..benchmark.inference import WAYS, benchmark_inference
from ..benchmark.methods import METHODS, MODES, SMALL, Size, check_folder
from ..benchmark.report import Report, heading, write_json
from ..benchmark.scale.run import PARTS as SCALED
from ..benchmark.scale.run import SMALL_VALUES, benchmark_scale
from ..benchmark.scale.run import VALUES as SCALE_VALUES
from ..benchmark.scoring import benchmark_eval
from ..benchmark.step import benchmark_step
from ..errors import ConfigError, cli
from ..utils.atomic_file import write_atomic
from ..utils.device import pick_device
from ..utils.machine import describe_machine, describe_versions, timestamp
from ..utils.paths import check_place
from .options import command_parser, device_option

SMALL_IMAGE = (128, 64)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument('--json', metavar='FILE', help='file to write the figures to as well')
    common.add_argument('--repeats', type=positive, default=3, metavar='N',
                        help='timed turns of every case, after an untimed one (default: 3)')
    common.add_argument('--calls', type=positive, metavar='N',
                        help='calls in a row in every turn, whose mean counts (default: 1 on a '
                             'CPU, 10 on an accelerator, 5 in gpu)')
    common.add_argument('--threads', type=positive, default=torch.get_num_threads(), metavar='N',
                        help='number of threads of torch on the CPU (default: %(default)s)')
    device_option(common)
    common.add_argument('--small', action='store_true',
                        help='use tiny networks and images, to see whether everything runs')
    common.add_argument('--crop', type=positive, metavar='PIXELS',
                        help='side of the training crops (default: as in the config)')
    common.add_argument('--batch', type=positive, default=2, metavar='N',
                        help='number of images of each domain (default: 2)')
    common.add_argument('--backbone', metavar='NAME',
                        help='backbone to use instead, mit_b0 ... mit_b5')
    add_step(commands, common)
    add_encoder(commands, common)
    add_inference(commands, common)
    add_data(commands, common)
    add_scale(commands, common)
    add_gpu(commands, common)
    return parser.parse_args(argv)


def add_step(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser('step', parents=[common], help='full training iterations')
    parser.add_argument('--methods', nargs='*', default=['daformer', 'daformer_ssr'],
                        metavar='NAME', help=f'methods, of {", ".join(METHODS)}')
    parser.add_argument('--config', nargs='+', default=[], metavar='FILE',
                        help='configs to measure too; an empty --methods measures them alone')
    parser.add_argument('--modes', nargs='+', default=['exact'], metavar='MODE',
                        help=f'modes, of {", ".join(MODES)}, or sums such as joint+compile')
    parser.add_argument('--sam-size', type=positive, metavar='PIXELS',
                        help="side of the SAM encoder's input (default: as in the config)")
    parser.add_argument('--reference', metavar='DIR',
                        help="a published implementation: the folder that holds its 'mmseg'")
    parser.add_argument('--no-parts', action='store_true',
                        help='do not measure the parts of the iteration')


def add_encoder(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser('encoder', parents=[common],
                                 help='single networks beside other packages')
    parser.add_argument('--only', nargs='+', default=list(COMPARISONS), metavar='NAME',
                        help=f'networks, of {", ".join(COMPARISONS)}')
    parser.add_argument('--sizes', nargs='+', type=positive, default=[512], metavar='PIXELS',
                        help='smaller inputs of the SAM encoder (default: 512)')
    parser.add_argument('--sam-checkpoint', metavar='FILE', help='SAM weights (default: random)')
    parser.add_argument('--sam-batch', type=positive, default=1, metavar='N',
                        help='number of images in a batch of the SAM encoder (default: 1)')


def add_inference(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser('inference', parents=[common], help='label maps of images')
    parser.add_argument('--methods', nargs='+', default=['daformer', 'hrda'], metavar='NAME',
                        help='methods or config files')
    parser.add_argument('--ways', nargs='+', choices=WAYS, default=list(WAYS))
    parser.add_argument('--modes', nargs='+', default=['exact', 'stock', 'batched'], metavar='MODE',
                        help=f'modes, of {", ".join(INFERENCE_MODES)}, or sums such as '
                             'bf16+compile')
    parser.add_argument('--sizes', nargs='+', type=image_size, metavar='WxH',
                        default=[(1024, 512), (2048, 1024)])
    parser.add_argument('--checkpoint', metavar='FILE', help='weights (default: random)')
    parser.add_argument('--image-batch', type=positive, default=1, metavar='N',
                        help='number of images in a batch (default: 1)')


def add_data(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    data = commands.add_parser('data', parents=[common], help='loader, converters, statistics')
    data.add_argument('--batches', type=positive, default=50,
                      help='batches of a timed run (default: 50)')
    scores = commands.add_parser('eval', parents=[common], help='mIoU of label maps')
    scores.add_argument('--no-peers', action='store_true',
                        help="leave out mmseg's functions, which take most of the time")
    for parser in (data, scores):
        parser.add_argument('--workers', nargs='+', type=count, default=[0, 1, 2], metavar='N',
                            help='numbers of processes (default: 0 1 2)')
        parser.add_argument('--images', type=positive, default=48, metavar='N',
                            help='number of images to draw of each kind (default: 48)')
        parser.add_argument('--image-size', type=image_size, default=(2048, 1024), metavar='WxH')


def add_scale(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser('scale', parents=[common],
                                 help='growth with images, crops, batches, encoders and processes')
    parser.add_argument('--parts', nargs='+', choices=tuple(SCALED), default=list(SCALED),
                        help='what is varied (default: all)')
    parser.add_argument('--images', nargs='+', type=positive, metavar='N',
                        help='numbers of images in a folder (default: '
                             f'{" ".join(map(str, SCALE_VALUES["images"]))})')


def add_gpu(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        'gpu', parents=[common],
        help='all that matters about a card; the same command goes on where it stopped')
    parser.add_argument('--minutes', type=minutes, default=8., metavar='N',
                        help='time of this run; what matters most comes first (default: 8)')
    parser.add_argument('--only', nargs='+', metavar='NAME',
                        help='beginnings of the names of pieces to measure (default: all)')
    parser.add_argument('--reference', metavar='DIR',
                        help="a published implementation: the folder that holds its 'mmseg'")


def count(text: str, least: int = 0) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(
            f'must be a whole number of at least {least}, got {text}')
    return value


def positive(text: str) -> int:
    return count(text, 1)


def minutes(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'must be above 0, got {text}')
    return value


def image_size(text: str) -> Tuple[int, int]:
    """Parse ``'1024x512'`` as (1024, 512)."""
    try:
        width, height = map(positive, text.split('x'))
    except ValueError:
        raise argparse.ArgumentTypeError(f'must be WIDTHxHEIGHT, got {text}') from None
    return width, height


def measure(args: argparse.Namespace, settings: Settings, about: Dict[str, Any]) -> Report:
    """Make the report of the chosen command."""
    size = Size(args.crop, args.batch, args.backbone)
    if args.small:
        size = SMALL._replace(batch=args.batch, backbone=args.backbone or SMALL.backbone)
    if args.command == 'gpu':
        if args.reference:
            check_folder(args.reference, 'mmseg')
        return benchmark_gpu(args.json, Setup(size, settings, args.reference), about,
                             args.minutes, args.only)
    if args.command == 'step':
        size = size._replace(sam_size=args.sam_size or size.sam_size)
        return benchmark_step(args.methods + args.config, args.modes, size, settings,
                              args.reference, not args.no_parts)
    if args.command == 'encoder':
        options = Options(size, args.sizes, args.sam_checkpoint, args.sam_batch)
        return benchmark_encoder(args.only, options, settings)
    if args.command == 'inference':
        sizes = [SMALL_IMAGE] if args.small else args.sizes
        return benchmark_inference(args.methods, args.ways, args.modes, sizes, size, settings,
                                   args.checkpoint, args.image_batch)
    if args.command == 'scale':
        values = dict(SMALL_VALUES if args.small else SCALE_VALUES)
        values['images'] = sorted(set(args.images or values['images']))
        return benchmark_scale(list(dict.fromkeys(args.parts)), values, size, settings)
    image, images = (SMALL_IMAGE, 4) if args.small else (args.image_size, args.images)
    if args.command == 'data':
        return benchmark_data(args.workers, images, image, 4 if args.small else args.batches,
                              size, settings)
    return benchmark_eval(args.workers, images, image, size, settings, not args.no_peers)


def check_files(args: argparse.Namespace) -> None:
    """Check where the figures go, before the hours of work."""
    if args.json and Path(args.json).is_dir():
        raise ConfigError(f'--json {args.json} is a folder: name a file in it')
    if args.command == 'gpu' and tables_of(args) == Path(args.json):
        raise ConfigError(f'--json {args.json}: the tables are written there, give a .json')
    check_place(args.json, '--json')


def tables_of(args: argparse.Namespace) -> Path:
    """Return the file of the tables of ``gpu``."""
    return Path(args.json).with_suffix('.md')


def described(settings: Settings) -> Dict[str, Any]:
    """Return what the figures depend on: machine, versions, settings and date."""
    device = torch.device(settings.device)
    about = dict(machine=describe_machine(device), versions=describe_versions(), date=timestamp(),
                 settings={name: value for name, value in vars(settings).items()
                           if name != 'until'})
    if device.type != 'cpu':
        about['tf32'] = {'matrix products': torch.backends.cuda.matmul.allow_tf32,
                         'convolutions': torch.backends.cudnn.allow_tf32}
    return about


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    os.environ.setdefault('PYTHONWARNINGS', 'ignore')  # for the processes of the cases
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    on_card = args.command == 'gpu'
    args.json = args.json or ('gpu.json' if on_card else None)
    check_files(args)
    device = pick_device(args.device)
    if on_card and args.device == 'auto' and device.type == 'cpu':
        raise ConfigError('benchmark gpu: there is no accelerator here; --device cpu --small shows '
                          'that the command runs')
    calls = args.calls or (1 if device.type == 'cpu' else 5 if on_card else 10)
    settings = Settings(str(device), args.threads, args.repeats, calls)
    about = described(settings)
    report = measure(args, settings, about)
    report.record = {**about, **report.record}
    text = f'{heading(report.record)}\n\n{report.text()}'
    print(text)
    if args.json:
        write_json(args.json, report.record, sys.argv if argv is None else argv)
        print(f'\nwritten to {args.json}')
        for name, content in report.figures.items():
            path = Path(args.json)
            write_atomic(path.with_name(f'{path.stem}_{name}.svg'), content)
    if on_card:
        write_atomic(tables_of(args), f'{text}\n'.encode())
        print(f'written to {tables_of(args)}')
