"""Streets, trained through mmseg 0.x and mmseg 1.x from one start: are the results the same?

``python tests/both_doors.py FOLDER [ROW ...]`` needs ``data/streets`` (docs/get_started.md) and the
environment that ``make mmseg1`` makes. It prints the mIoU of both trainings of each row, and the
first iteration whose loss differs, if one does.

Three things differ between the lines by themselves: the random numbers that the first weights are
made of, those that are left for dropout, and the last digits of the learning rate. Here mmseg 1.x
gets all three from mmseg 0.x. Everything else is as its own scripts do it.
"""
import argparse
import json
import os
import random
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import torch

import mmseg_ssr
from mmseg_ssr.uda.self_training import SelfTraining

HERE = Path(__file__).resolve().parents[1]
MMSEG1 = HERE / '.venv' / 'mmseg1' / 'bin' / 'python'
PLUS = ('regularizer.add_map=True', 'pseudo_label_branch=regularized', 'running_statistics=shadow')
#: Row -> config of configs/demo, and keys of the method.
ROWS = {'source_only': ('source_only', ()), 'daformer': ('daformer', ()),
        'daformer_ssr_plus': ('daformer_ssr', PLUS)}


class SharedStart:
    """Gives a training the start of another, or keeps its own start for that.

    Args:
        folder: where the start and the losses are kept.
        first: whether this training is the one that the start is taken from.
    """

    def __init__(self, folder: Path, first: bool):
        self.folder = folder
        self.first = first
        self.rates: List[List[float]] = []
        self.losses: List[str] = []

    def step(self, method: SelfTraining, batch: Any, optimizer: Any, train: Callable) -> Any:
        """Take the place of an iteration: share, train, and write the loss to the bit."""
        if method.iteration == 0:
            self.share(method)
            random.seed(1)
            np.random.seed(1)
            torch.manual_seed(1)
        self.share_rate(getattr(optimizer, 'optimizer', optimizer))
        log = train(method, batch, optimizer)
        self.losses.append(float(log['loss']).hex())
        name = 'first' if self.first else 'second'
        (self.folder / f'{name}.json').write_text(json.dumps([self.rates, self.losses]))
        return log

    def share(self, method: SelfTraining) -> None:
        """Keep all weights, or replace them by those that were kept."""
        weights = {name: tensor for name, tensor in (*method.named_parameters(),
                                                     *method.named_buffers())
                   if not name.startswith('data_preprocessor')}
        if self.first:
            torch.save(weights, self.folder / 'start.pt')
            return
        kept = torch.load(self.folder / 'start.pt', weights_only=True)
        assert kept.keys() == weights.keys()
        for name, tensor in weights.items():
            tensor.data.copy_(kept[name])
        self.rates = json.loads((self.folder / 'first.json').read_text())[0]

    def share_rate(self, optimizer: torch.optim.Optimizer) -> None:
        """Keep the learning rate, or replace its last digits."""
        if self.first:
            self.rates.append(optimizer.param_groups[0]['lr'])
            return
        kept = self.rates[len(self.losses)]
        for group in optimizer.param_groups:
            assert abs(group['lr'] / kept - 1) < 1e-9
            group['lr'] = kept


def child(folder: str, script: str, *arguments: str) -> None:
    """Train by the stock script of mmseg 1.x, or by the command of this package."""
    start, train = SharedStart(Path(folder), mmseg_ssr.LINE == 0), SelfTraining.step
    SelfTraining.step = lambda method, batch, optimizer: start.step(
        method, batch, optimizer, train)
    sys.argv = [script, *arguments]
    if script == 'mmseg-ssr':
        from mmseg_ssr.__main__ import main
        main(list(arguments))
    else:
        runpy.run_path(script, run_name='__main__')


def miou(python: Path, folder: Path, *arguments: str) -> str:
    """Run a child and return the last mIoU that it printed."""
    found = subprocess.run(
        [str(python), __file__, '--child', str(folder), *arguments], text=True, check=True,
        capture_output=True, env=dict(os.environ, PYTHONPATH=str(HERE)), cwd=HERE)
    return re.findall(r'mIoU:? +([0-9.]+)', found.stdout + found.stderr)[-1]


def compare(row: str, folder: Path, iterations: int = 1200) -> str:
    """Train a row through both lines and return the result in one line."""
    config, keys = ROWS[row]
    folder.mkdir(parents=True, exist_ok=True)
    config0, config1 = str(folder / 'mmseg0.py'), str(folder / 'mmseg1.py')
    Path(config0).write_text(f"_base_ = ['{HERE}/configs/demo/{config}.py']\nseed = 0\n"
                             f'runner = dict(max_iters={iterations})\n'
                             f'evaluation = dict(interval={iterations})\n')
    first = miou(Path(sys.executable), folder, 'mmseg-ssr', 'train', config0, '--work-dir',
                 str(folder / 'mmseg0'), '--cfg-options', *(f'uda.{key}' for key in keys), 'seed=0')
    subprocess.run([sys.executable, '-m', 'mmseg_ssr', 'migrate', config0, config1], check=True,
                   cwd=HERE)
    script = next(MMSEG1.parents[1].glob('lib/python3*/site-packages/mmseg/.mim/tools/train.py'))
    second = miou(MMSEG1, folder, str(script), config1, '--work-dir', str(folder / 'mmseg1'),
                  '--cfg-options', *(f'model.{key}' for key in keys), 'model.seed=0')
    losses = [json.loads((folder / f'{name}.json').read_text())[1] for name in ('first', 'second')]
    other = next((i for i, (a, b) in enumerate(zip(*losses)) if a != b), None)
    return (f'{row}: mIoU {first} on mmseg 0.x, {second} on mmseg 1.x; '
            + ('all losses are equal' if other is None else f'losses differ from {other} on'))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('folder', type=Path, help='folder of the results')
    parser.add_argument('rows', nargs='*', default=list(ROWS), help=f'of {", ".join(ROWS)}')
    args = parser.parse_args()
    for name in args.rows:
        print(compare(name, args.folder.resolve() / name), flush=True)


if __name__ == '__main__':
    if sys.argv[1:2] == ['--child']:
        child(*sys.argv[2:])
    else:
        main()
