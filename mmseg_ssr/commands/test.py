"""Test a checkpoint: scores, painted images, or files for a benchmark server.

    mmseg-ssr test CONFIG CHECKPOINT --eval mIoU [--show-dir DIR]

The arguments are those of mmseg's and MIC's test scripts. Checkpoints of DAFormer, HRDA, MIC and
SSR work as well.
"""
import argparse
import os
from typing import Any, List, Optional

import mmcv
import torch
from torch.utils.data import Dataset

from .. import distributed
from ..engine.build import build_test_dataset, build_test_model
from ..engine.checkpoint.weights import load_weights
from ..engine.config.faults import config_fault
from ..engine.config.load import Options, load_config
from ..engine.config.validate import validate
from ..engine.config.values import prefetch_factor, workers
from ..engine.distributed.launch import launched, launcher_options
from ..engine.experiments.run import write_json
from ..engine.on_device import OnDevice
from ..engine.testing import label_shift, options
from ..engine.testing.evaluate import run_test, scores
from ..engine.testing.regularized_branch import predict_regularized
from ..engine.testing.submission import pack_submission, required_server
from ..errors import ConfigError, cli, explained
from ..utils.atomic_file import atomic_file, make_folder
from .options import (
    cfg_options,
    command_parser,
    device_option,
    inference_options,
    trust_option,
    weights_option,
)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--eval', nargs='+', metavar='METRIC', help='mIoU, mDice or mFscore')
    parser.add_argument('--format-only', action='store_true',
                        help='write the predictions for a benchmark server without scoring them')
    parser.add_argument('--zip', metavar='FILE.zip', help='with --format-only: check the '
                        "predictions and pack them for the data set's server")
    parser.add_argument('--show-dir', metavar='DIR',
                        help='folder for images with painted predictions')
    parser.add_argument('--opacity', type=float, default=0.5,
                        help='opacity of the paint, in (0, 1]')
    parser.add_argument('--out', metavar='FILE.pkl',
                        help='file for the predictions or, with --eval, their confusion matrices')
    parser.add_argument('--work-dir', metavar='DIR', help='folder for the scores, eval.json')
    weights_option(parser)
    parser.add_argument('--branch', choices=('shadow', 'regularized'), default='shadow',
                        help='branch of SSR: regularized also uses the frozen encoder, and needs a '
                             'checkpoint of the training (default: shadow, as published)')
    trust_option(parser)
    parser.add_argument('--aug-test', action='store_true', help='average over scales and flips')
    parser.add_argument('--flip-test', action='store_true',
                        help='average over each image and its mirror image')
    parser.add_argument('--label-shift', action='store_true',
                        help='correct predictions when class frequencies differ between source '
                             'and target')
    parser.add_argument('--target-priors', metavar='FILE.json',
                        help='with --label-shift: a list with a number for each class (default: '
                             'estimated from predictions for data.train.target)')
    parser.add_argument('--inference-mode', choices=('same', 'whole', 'slide'), default='same',
                        help='whole images or sliding windows (default: as in the config)')
    inference_options(parser)
    parser.add_argument('--test-set', action='store_true',
                        help='test on the test split instead of the validation split')
    device_option(parser)
    launcher_options(parser)
    cfg_options(parser, '--options')
    parser.add_argument('--eval-options', nargs='+', action=Options, default={},
                        metavar='KEY=VALUE', help="arguments of the data set's evaluate or "
                                                  'format_results')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    check_args(args)
    with launched(args.launcher, args.device, args.local_rank) as device:
        test(args, device)


def test(args: argparse.Namespace, device: torch.device) -> None:
    """Predict in all processes. Process 0 writes and scores the predictions."""
    cfg = test_config(args)
    dataset = build_test_dataset(cfg, need_labels=bool(args.eval))
    if args.zip:
        required_server(dataset)
    model = build_test_model(cfg)
    load_weights(model, args.checkpoint, args.weights, args.trust_checkpoint)
    if args.branch == 'regularized':
        predict_regularized(model, cfg, args.checkpoint, args.trust_checkpoint)
    if args.label_shift:
        correct_label_shift(cfg, model, args, device)
    format_args = None
    if args.format_only:
        format_args = {'imgfile_prefix': 'format_results', **args.eval_options}
    with explained(config_fault(cfg, 'data.test', 'cannot be tested on')):
        results = run_test(
            model, dataset, device, evaluate=bool(args.eval), format_args=format_args,
            show_dir=args.show_dir, opacity=args.opacity, workers=workers(cfg),
            prefetch_factor=prefetch_factor(cfg))
    if results is None:
        return
    print()
    if args.out:
        make_folder(os.path.dirname(args.out))
        with atomic_file(args.out) as file:
            mmcv.dump(results, file, file_format='pkl')
    if args.format_only:
        print(f'{len(results)} predictions are in {format_args["imgfile_prefix"]}')
    if args.zip:
        notes = pack_submission(dataset, format_args['imgfile_prefix'], args.zip)
        print(f'{args.zip} is checked and packed', *notes, sep='\n')
    if args.eval:
        write_scores(cfg, dataset, results, args)


def test_config(args: argparse.Namespace) -> mmcv.Config:
    """The config with what the options change in it."""
    cfg = load_config(args.config, args.cfg_options)
    validate(cfg)
    options.set_inference_mode(cfg, args.inference_mode)
    options.set_inference_options(cfg, args.amp, args.compile, args.batched_slide)
    if args.aug_test:
        options.set_aug_test(cfg)
    if args.flip_test:
        options.set_flip_test(cfg)
    if args.test_set:
        options.set_test_split(cfg)
    return cfg


def write_scores(cfg: mmcv.Config, dataset: Dataset, results: List[Any],
                 args: argparse.Namespace) -> None:
    """Print the scores, and keep them as ``eval.json`` if asked."""
    with explained(config_fault(cfg, '--eval and --eval-options', 'cannot be used')):
        values = scores(dataset, results, args.eval, **args.eval_options)
    if args.work_dir:
        make_folder(args.work_dir)
        write_json(os.path.join(args.work_dir, 'eval.json'),
                   dict(config=args.config, checkpoint=args.checkpoint, metric=values,
                        weights=args.weights, options=changed_options(args)))


def correct_label_shift(cfg: mmcv.Config, model: torch.nn.Module, args: argparse.Namespace,
                        device: torch.device) -> None:
    """Make the model predict for the target's class priors. Show them, and save them if asked."""
    target = label_shift.corrected(cfg, OnDevice(model, device), args.target_priors, workers(cfg))
    if distributed.rank() > 0:
        return
    shares = ', '.join(f'{share:.3f}' for share in (target / target.sum()).tolist())
    print(f'\npriors of the target: {shares}')
    if args.work_dir:
        make_folder(args.work_dir)
        write_json(os.path.join(args.work_dir, 'target_priors.json'), target.tolist())


def changed_options(args: argparse.Namespace) -> List[str]:
    """List the arguments that change the scores, for later readers."""
    changed = [f'--{name.replace("_", "-")} {getattr(args, name)}' for name in
               ('amp', 'batched_slide') if getattr(args, name)]
    changed += [f'--{name.replace("_", "-")}' for name in
                ('aug_test', 'flip_test', 'label_shift', 'test_set') if getattr(args, name)]
    changed += [f'--branch {args.branch}'] * (args.branch != 'shadow')
    changed += [f'--inference-mode {args.inference_mode}'] * (args.inference_mode != 'same')
    return changed + [f'{key}={value}' for key, value in args.cfg_options.items()]


def check_args(args: argparse.Namespace) -> None:
    if not (args.eval or args.format_only or args.show_dir or args.out):
        raise ConfigError('nothing to do: give --eval mIoU, --format-only, --show-dir DIR or '
                          '--out FILE.pkl')
    if args.eval and args.format_only:
        raise ConfigError('--eval and --format-only exclude each other: the first needs labels, '
                          'the second writes predictions')
    if args.target_priors and not args.label_shift:
        raise ConfigError('--target-priors are for --label-shift: give both')
    if args.zip and not args.format_only:
        raise ConfigError('--zip packs what --format-only writes: give both')
    if args.eval_options and not (args.eval or args.format_only):
        raise ConfigError('--eval-options are for --eval or --format-only: give one of them')
    if args.work_dir and not (args.eval or args.label_shift):
        raise ConfigError('--work-dir gets the scores of --eval and the priors of --label-shift: '
                          'give one of them')
    if args.out and not args.out.endswith(('.pkl', '.pickle')):
        raise ConfigError(f'--out must end in .pkl, got {args.out}')
    for metric in args.eval or []:
        if metric not in ('mIoU', 'mDice', 'mFscore'):
            raise ConfigError(f'--eval {metric}: the metrics are mIoU, mDice and mFscore')
    if not 0 < args.opacity <= 1:
        raise ConfigError(f'--opacity must be in (0, 1], got {args.opacity}')
    if args.batched_slide is not None and args.batched_slide < 1:
        raise ConfigError(f'--batched-slide must be at least 1, got {args.batched_slide}')
