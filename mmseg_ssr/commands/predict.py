"""Predict images, folders, globs, videos or a camera with a trained model.

    mmseg-ssr predict work_dirs/RUN/latest.pth photos/ clip.mp4 --out predictions

MODEL is a checkpoint of a training, or a file of mmseg-ssr export, with its config inside. The
results are overlay, label and confidence of each image, and a legend (docs/deploy.md). An input is
resized as in the test of the config, and its result back to the size of the input. The same in
Python is mmseg_ssr.load(MODEL).predict(image).
"""
import argparse
import sys
from typing import List, Optional, Tuple, Union

from ..deploy import load
from ..deploy.inputs import find_inputs
from ..deploy.outputs import LABEL_KINDS, Results
from ..deploy.predictor import MODES
from ..deploy.preparation import ORIGINAL
from ..deploy.result_files import KINDS
from ..deploy.run import predict_all
from ..errors import ConfigError, DataError, cli
from .options import command_parser, device_option, inference_options, trust_option, weights_option


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('model', metavar='MODEL', help='checkpoint (.pth) or .safetensors file')
    parser.add_argument('inputs', metavar='INPUT', nargs='+',
                        help='image, folder, glob, video, or index of a camera')
    parser.add_argument('--out', metavar='DIR', required=True, help='folder of the results')
    parser.add_argument('--save', nargs='+', choices=KINDS, default=list(KINDS),
                        help='kinds of results to write (default: all)')
    parser.add_argument('--label-ids', choices=LABEL_KINDS, default='train', help='values in the '
                        'label images: train ids (road is 0) or Cityscapes ids (road is 7)')
    parser.add_argument('--opacity', type=float, default=0.5,
                        help='opacity of the overlay, in (0, 1]')
    parser.add_argument('--scale', type=parse_scale, metavar='LONGxSHORT', help='sides in pixels '
                        'that images are resized to fit, or original (default: as in the test of '
                        'the config)')
    parser.add_argument('--mode', choices=MODES, default='same',
                        help='whole images or sliding windows (default: as in the config)')
    parser.add_argument('--frames', type=int, metavar='N',
                        help='predict at most N frames of each video or camera')
    parser.add_argument('--config', metavar='FILE', help='config to use if MODEL has none')
    weights_option(parser)
    trust_option(parser)
    inference_options(parser)
    device_option(parser)
    return parser.parse_args(argv)


def parse_scale(text: str) -> Union[str, Tuple[int, ...]]:
    if text == ORIGINAL:
        return text
    sides = text.lower().split('x')
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise argparse.ArgumentTypeError(f'expected LONGxSHORT, as 1024x512, or {ORIGINAL}, got '
                                         f'{text!r}')
    return tuple(map(int, sides))


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    if args.frames is not None and args.frames < 1:
        raise ConfigError(f'--frames must be at least 1, got {args.frames}')
    inputs = find_inputs(args.inputs, args.out)
    if args.frames is not None and not any(item.is_video for item in inputs):
        raise ConfigError('--frames is for videos and cameras, and there is none among the inputs')
    predictor = load(
        args.model, args.config, args.device, args.weights, args.mode, args.scale, args.amp,
        args.compile, args.batched_slide, args.trust_checkpoint)
    results = Results(args.out, predictor.classes, predictor.palette, args.save, args.label_ids,
                      args.opacity)
    outcome = predict_all(predictor, inputs, results, args.frames)
    print(f'{outcome.images} images in {outcome.seconds:.1f} s '
          f'({outcome.images / outcome.seconds:.2f} images/s), results in {args.out}')
    if len(outcome.faults) > 1:
        print(*outcome.faults, sep='\n', file=sys.stderr)
    if outcome.faults:
        raise DataError(f'{len(outcome.faults)} of {len(inputs)} inputs are not (all) predicted: '
                        f'{outcome.faults[0]}')
