"""Measure how domain-robust encoders' features are, by linear classifiers trained on the source.

The data are Streets. The encoders are the package's own, the same one with random weights, and the
backbone of a trained student. A linear classifier on the frozen features is scored on new source
images and on target images. The table shows both scores and their difference.
"""
import argparse
import json
import sys
from pathlib import Path
from typing import Dict, List, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from mmseg_ssr.deploy.predictor import load
from mmseg_ssr.errors import ConfigError, cli
from mmseg_ssr.pretraining.probe import Features, draw_domains, fit, joined, score
from mmseg_ssr.regularizer import FrozenSAMEncoder
from mmseg_ssr.utils.atomic_file import write_atomic

SIZE = 128


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--weights', default='shipped', metavar='FILE',
                        help="weights of the SAM variant 'mini' (default: %(default)s)")
    parser.add_argument('--student', nargs='+', default=[], metavar='CHECKPOINT',
                        help='checkpoints of trained networks, with their configs inside')
    parser.add_argument('--images', type=int, default=150,
                        help='number of pictures of each domain (default: %(default)s)')
    parser.add_argument('--steps', type=int, default=1500,
                        help='number of steps to train a probe (default: %(default)s)')
    parser.add_argument('--seeds', type=int, default=1,
                        help='number of probes of each encoder (default: %(default)s)')
    parser.add_argument('--json', type=Path, metavar='FILE',
                        help='file to write the scores to as well')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    for name in ('images', 'steps', 'seeds'):
        if getattr(args, name) < 1:
            raise ConfigError(f'--{name} must be at least 1, got {getattr(args, name)}')
    encoders = {'mini SAM': encoder(args.weights), 'random encoder': encoder(None)}
    encoders.update({f'student {file}': joined(load(file, device='cpu').network.backbone)
                     for file in args.student})
    domains = draw_domains(args.images, SIZE)
    scores = {}
    for name, features in encoders.items():
        scores[name] = [measured(features, domains, args.steps, seed) for seed in range(args.seeds)]
        print(f'{name}: done', file=sys.stderr, flush=True)
    print(table(scores))
    if args.json:
        write_atomic(args.json, json.dumps(scores, indent=2).encode())


def encoder(weights: Optional[str]) -> Features:
    torch.manual_seed(0)
    return FrozenSAMEncoder('mini', checkpoint=weights, input_size=SIZE)


def measured(features: Features, domains: dict, steps: int, seed: int) -> Dict[str, float]:
    probe = fit(features, domains['source'], steps, seed=seed)
    found = {}
    for domain in ('source', 'target'):
        for name, value in score(probe, features, domains[f'{domain}_val']).items():
            found[f'{domain}_{name}'] = value
    return found


def table(scores: Dict[str, List[Dict[str, float]]]) -> str:
    """Make a Markdown table of means over the seeds."""
    lines = ['| features | accuracy: source | target | lost | mIoU: source | target | lost |',
             '|---|---:|---:|---:|---:|---:|---:|']
    for name, runs in scores.items():
        cells = [name]
        for measure in ('accuracy', 'mIoU'):
            source, target = (sum(run[f'{domain}_{measure}'] for run in runs) / len(runs)
                              for domain in ('source', 'target'))
            cells += [f'{source:.1f}', f'{target:.1f}', f'{source - target:.1f}']
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


if __name__ == '__main__':
    main()
