"""Train the package's small SAM encoder, from a seed, on drawn scenes.

The encoder learns class-agnostic masks. From a point it predicts the object there, across two looks
of a scene. It also predicts the kind of the object's shape, one of many that are found by sorting
the masks. It sees no class names, and never the look of the benchmark's target domain.
"""
import argparse
import hashlib
import io
import sys
import time
from pathlib import Path
from typing import List, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from mmseg_ssr.errors import ConfigError, cli
from mmseg_ssr.pretraining.scenes import Scenes, draw_scenes
from mmseg_ssr.pretraining.training import Measured, Recipe, pretrain
from mmseg_ssr.utils.atomic_file import make_folder, write_atomic
from mmseg_ssr.utils.parallel import progress_bar, worker_count

HELD_OUT = 0.05  # share of the scenes to measure on
COLUMNS = ('iteration', *Measured._fields, 'seconds')


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=Path('work_dirs/mini_sam'),
                        help='folder for weights.pth and training_log.csv (default: %(default)s)')
    parser.add_argument('--scenes', type=int, default=2500,
                        help='number of scenes (default: %(default)s)')
    parser.add_argument('--looks', type=int, default=3,
                        help='number of pictures of each scene (default: %(default)s)')
    parser.add_argument('--kinds', type=int, default=Recipe.kinds,
                        help='number of kinds of shapes (default: %(default)s)')
    parser.add_argument('--iterations', type=int, default=Recipe.iterations,
                        help='number of iterations (default: %(default)s)')
    parser.add_argument('--batch', type=int, default=Recipe.batch,
                        help='scenes in a step, with two looks each (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=Recipe.seed)
    parser.add_argument('--nproc', type=worker_count, default=1,
                        help='number of processes that draw (default: %(default)s)')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    check_args(args)
    make_folder(args.out)  # made before an hour of work
    drawn = draw_scenes(args.scenes, args.looks, kinds=args.kinds, seed=args.seed,
                        workers=args.nproc, progress=progress_bar('scenes'))
    kept = max(1, int(args.scenes * HELD_OUT))
    held_out, scenes = (Scenes(*(part[rows] for part in drawn))
                        for rows in (slice(kept), slice(kept, None)))
    recipe = Recipe(iterations=args.iterations, batch=args.batch, kinds=args.kinds,
                    seed=args.seed)
    lines, start = [','.join(COLUMNS)], time.time()

    def log(values: dict) -> None:
        values['seconds'] = time.time() - start
        lines.append(','.join(f'{values[name]:.4g}' for name in COLUMNS))
        print(lines[-1], flush=True)

    encoder, measured = pretrain(scenes, held_out, recipe, log)
    content = packed(encoder)
    write_atomic(args.out / 'weights.pth', content)
    write_atomic(args.out / 'training_log.csv', ('\n'.join(lines) + '\n').encode())
    print(f'held-out scenes: mask IoU {100 * measured["mask_iou"]:.1f}, kinds right '
          f'{100 * measured["kind_accuracy"]:.1f} %\n{args.out / "weights.pth"}: '
          f'{len(content) / 1e6:.2f} MB, sha256 {hashlib.sha256(content).hexdigest()}')


def check_args(args: argparse.Namespace) -> None:
    """Check the arguments before minutes of work."""
    for name, least in (('scenes', 2), ('looks', 2), ('kinds', 2), ('iterations', 40),
                        ('batch', 1)):
        if getattr(args, name) < least:
            raise ConfigError(f'--{name} must be at least {least}, got {getattr(args, name)}')


def packed(encoder: torch.nn.Module) -> bytes:
    """Encode the weights as a file of half-precision tensors."""
    stream = io.BytesIO()
    torch.save({name: value.half() for name, value in encoder.state_dict().items()}, stream)
    return stream.getvalue()


if __name__ == '__main__':
    main()
