"""Train one config, with the arguments of mmseg's train script.

The results go to --work-dir, else to the config's work_dir, else to work_dirs/NAME. For tables of
experiments, and a test after the training, see `mmseg-ssr train` and `mmseg-ssr table`.
"""
import argparse
import os
import sys
from typing import List, Optional

from ... import distributed
from ...engine.config.load import load_config
from ...engine.distributed.launch import launched, launcher_options
from ...engine.training.train import train
from ...errors import cli
from ...report import report_at_end
from ...utils.signals import resumable
from ..options import cfg_options, command_parser, device_option, trust_option


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder for checkpoints and logs')
    parser.add_argument('--load-from', help='checkpoint with weights to start from')
    parser.add_argument('--resume-from',
                        help='checkpoint to continue from, or auto for the newest one')
    parser.add_argument('--auto-resume', action='store_true', help='the same as --resume-from auto')
    trust_option(parser, '--load-from file')
    parser.add_argument('--no-validate', action='store_true',
                        help='do not evaluate during the training')
    parser.add_argument('--seed', type=int, help='seed that replaces the one in the config')
    parser.add_argument('--deterministic', action='store_true',
                        help='ask torch for kernels that repeat to the bit')
    device_option(parser)
    launcher_options(parser)
    cfg_options(parser, '--options')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    command = [sys.argv[0], *(sys.argv[1:] if argv is None else argv)]
    with launched(args.launcher, args.device, args.local_rank) as device:
        cfg = load_config(args.config, args.cfg_options)
        if args.load_from:
            cfg.load_from = args.load_from
        name = os.path.splitext(os.path.basename(args.config))[0]
        work_dir = args.work_dir or cfg.get('work_dir') or os.path.join('work_dirs', name)
        with resumable(command, work_dir):
            checkpoint = train(
                cfg, work_dir, device, args.seed, deterministic=args.deterministic,
                resume_from='auto' if args.auto_resume else args.resume_from,
                evaluate=not args.no_validate, trusted=args.trust_checkpoint)
        page = report_at_end(cfg, [work_dir], device)
        if distributed.rank() == 0:
            print(f'checkpoint {checkpoint}' + (f'\nreport {page}' if page else ''))
