"""Measure how domain-robust encoders' features are, by linear classifiers trained on the source.

A linear classifier on the frozen features is scored on new source images and on target images. The
table shows both scores and their difference.

Without a config the data are Streets, and the encoders are the package's own, the same one with
random weights, and the backbones of trained students. The config of a method with SSR brings its
own data and encoder, and the student's backbone as its training begins. The last fifth of the
source's images are the new ones.
"""
import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.pipelines.encoder_maps import FOLDER
from mmseg_ssr.datasets.several_sets import subset
from mmseg_ssr.deploy.predictor import load
from mmseg_ssr.engine.build import build_training_model
from mmseg_ssr.engine.config import load_config
from mmseg_ssr.engine.config.values import given
from mmseg_ssr.engine.testing.labeled_images import LabeledImages
from mmseg_ssr.errors import ConfigError, cli
from mmseg_ssr.pretraining.probe import (
    Features,
    Pixels,
    Samples,
    draw_domains,
    fit,
    joined,
    pixels,
    score,
)
from mmseg_ssr.regularizer import FrozenSAMEncoder, build_encoder
from mmseg_ssr.report.predictions import spread
from mmseg_ssr.uda.losses.regularization_keys import encoder_config
from mmseg_ssr.utils.atomic_file import write_atomic
from mmseg_ssr.utils.paths import check_place

SIZE = 128
STRIDE = 16  # classified pixels of photographs are this far apart


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?',
                        help='config of a method with SSR, such as '
                             'configs/camvid/camvid_dusk_daformer_ssr.py')
    parser.add_argument('--input-size', nargs='+', type=int, default=[], metavar='SIDE',
                        help="input sizes of the config's encoder to compare")
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
    check_place(args.json, '--json')
    encoders = {'mini SAM': encoder(args.weights), 'random encoder': encoder(None)}
    if args.config:
        cfg = load_config(args.config)
        encoders = {**encoders_of(cfg, args.input_size), 'mini SAM': encoder(args.weights)}
    elif args.input_size:
        raise ConfigError("--input-size is for a config's encoder: name a config too")
    encoders.update({f'student {file}': joined(load(file, device='cpu').network.backbone)
                     for file in args.student})
    domains = read_domains(cfg, args.images) if args.config else draw_domains(args.images, SIZE)
    scores = {}
    for name, features in encoders.items():
        known = {domain: pixels(features, samples) for domain, samples in domains.items()}
        scores[name] = [measured(known, args.steps, seed) for seed in range(args.seeds)]
        print(f'{name}: done', file=sys.stderr, flush=True)
    print(table(scores))
    if args.json:
        write_atomic(args.json, json.dumps(scores, indent=2).encode())


def encoder(weights: Optional[str]) -> Features:
    torch.manual_seed(0)
    return FrozenSAMEncoder('mini', checkpoint=weights, input_size=SIZE)


def encoders_of(cfg: dict, input_sizes: List[int]) -> Dict[str, Features]:
    """Build a config's encoder at each size, the same one with random weights, and the backbone."""
    settings = encoder_config(cfg.get('uda') or {})
    if settings is None:
        raise ConfigError(f'{cfg.filename}: no encoder of SSR to measure in it: name the config of '
                          'a method with SSR')
    found = {}
    for name, keys in (('encoder', {}), ('random encoder', dict(checkpoint=None))):
        for size in input_sizes or [None]:
            torch.manual_seed(0)
            built = build_encoder({**settings, **keys, **given(dict(input_size=size))})
            side = getattr(built, 'input_size', None)  # encoders of one's own may have none
            found[f'{name} at {side}' if side else name] = built
    student = build_training_model(cfg, seed=0).model.eval()
    return {**found, "student's backbone": joined(student.backbone)}


def read_domains(cfg: dict, count: int) -> Dict[str, Samples]:
    """Read up to ``count`` images of each domain of a config, spread over the data set."""
    target = one_set(cfg, 'data.test', cfg.data.test)
    source = one_set(cfg, 'data.train.source', cfg.data.train.source,
                     pipeline=cfg.data.test.pipeline)
    new = len(source) - len(source) // 5
    parts = dict(source=(source, range(new)), source_val=(source, range(new, len(source))),
                 target_val=(target, range(len(target))))
    return {name: read(spread(subset(dataset, indices), count))
            for name, (dataset, indices) in parts.items()}


def one_set(cfg: dict, path: str, config: dict, **keys: Any) -> torch.utils.data.Dataset:
    """Build the data set at ``path`` of a config, if it is a single one."""
    if isinstance(config, dict) and config['type'] != 'RepeatDataset':
        keys = {**config, **keys}
        keys.pop(FOLDER, None)
        dataset = build_dataset(keys, test_mode=True)
        if hasattr(dataset, 'img_infos'):
            return dataset
    raise ConfigError(f'{cfg.filename}: {path} has several parts or is repeated: name a config '
                      'with a single data set there')


def read(dataset: torch.utils.data.Dataset) -> Samples:
    images, labels = [], []
    for index in range(len(dataset)):
        item = LabeledImages(dataset)[index]
        images.append(item['batch']['img'][0])
        labels.append(item['label'][STRIDE // 2::STRIDE, STRIDE // 2::STRIDE].long())
    return Samples(torch.stack(images), torch.stack(labels))


def measured(known: Dict[str, Pixels], steps: int, seed: int) -> Dict[str, float]:
    probe = fit(known['source'], steps, seed=seed)
    found = {}
    for domain in ('source', 'target'):
        for name, value in score(probe, known[f'{domain}_val']).items():
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
