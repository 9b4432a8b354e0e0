"""The whole workflow in one command: data, conversion, two trainings, tests, a table and a picture.

Everything runs on the embedded data set Streets and on a CPU. Finished steps are skipped, so an
interrupted command continues where it was.
"""
import argparse
import contextlib
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
warnings.filterwarnings('ignore', message='On January 1, 2023, MMCV')

import cv2
import numpy as np

from mmseg_ssr.engine.build import build_test_dataset, build_test_model, limit_images
from mmseg_ssr.engine.checkpoint.weights import load_weights
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.experiments.run import finished_result
from mmseg_ssr.engine.testing.evaluate import run_test
from mmseg_ssr.errors import ConfigError, MissingFile, UserError, cli
from mmseg_ssr.experiments import by_id
from mmseg_ssr.streets import make_streets
from mmseg_ssr.utils.atomic_file import write_atomic
from mmseg_ssr.utils.device import pick_device
from mmseg_ssr.utils.parallel import progress_bar, worker_count
from mmseg_ssr.visualization import Panel, colorize, draw_panels

DATA = Path('data/streets')
IMAGES, VAL_IMAGES, SIZE = 200, 60, (512, 256)
RESULTS = Path('work_dirs/demo')
TITLES = {'source_only': 'source-only', 'daformer': 'DAFormer', 'daformer_ssr': 'DAFormer + SSR'}
MINUTES = {'source_only': 2, 'daformer': 4, 'daformer_ssr': 6}
PICTURE_ROWS = 4


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--with-daformer', action='store_true',
                        help='also train DAFormer without SSR')
    parser.add_argument('--root', type=Path, default=ROOT,
                        help='folder for data/streets and work_dirs/demo (default: here)')
    parser.add_argument('--iterations', type=int,
                        help='number of iterations, for a shorter training')
    parser.add_argument('--images', type=int, default=IMAGES,
                        help='number of source and of target images')
    parser.add_argument('--device', default='cpu', help='auto, cpu, or a device of torch')
    parser.add_argument('--nproc', type=worker_count,
                        help='number of processes that draw the data (default: one for each core)')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    check_args(args)
    os.chdir(args.root)
    rows = {row.name: row for row in by_id()['demo'].rows}
    length = {'runner.max_iters': args.iterations} if args.iterations else {}
    options = {name: {**rows[name].overrides, **length} for name in TITLES}
    folder = results_folder(args)
    names = [name for name in TITLES if name != 'daformer' or args.with_daformer]
    seconds: Dict[str, float] = {}
    step('1. draw the data set Streets (about a minute)', seconds, 'data', lambda: make_streets(
        DATA, args.images, args.images, VAL_IMAGES, SIZE, workers=args.nproc,
        progress=progress_bar('Streets')))
    step('2. convert its labels (seconds)', seconds, 'conversion', convert)
    for number, name in enumerate(names, 3):
        title = f'train and test {TITLES[name]} (about {MINUTES[name]} minutes on two cores)'
        step(f'{number}. {title}', seconds, TITLES[name],
             lambda name=name: train(folder / f'{name}_s0', name, options[name], args.device))
    results = {name: finished(folder / f'{name}_s0', name, options[name]) for name in names}
    picture = folder / 'compare.png'
    step(f'{len(names) + 3}. draw {picture}', seconds, 'picture',
         lambda: draw(folder, names, picture, args.device))
    print('\nIoU in percent on the target domain, never seen with labels:\n')
    print(table(results))
    print('\nThe encoder that SSR uses here is a SAM of a million parameters, trained on street '
          'scenes\nin many looks (mmseg_ssr/regularizer/mini_sam).\n')
    print_paths(folder, results, picture)
    print('\nseconds: ' + ', '.join(f'{name} {value:.0f}' for name, value in seconds.items())
          + f'; peak memory {max(r["peak_memory_mb"] for r in results.values())} MB')


def check_args(args: argparse.Namespace) -> None:
    """Check the arguments before minutes of work."""
    if not args.root.is_dir():
        raise MissingFile(f'--root {args.root}: there is no such folder')
    if args.iterations is not None and args.iterations < 1:
        raise ConfigError(f'--iterations must be at least 1, got {args.iterations}')
    if args.images < 1:
        raise ConfigError(f'--images must be at least 1, got {args.images}')
    pick_device(args.device)


def results_folder(args: argparse.Namespace) -> Path:
    """Folder of ``mmseg-ssr table demo``. Other lengths have their own folder."""
    changes = {'images': args.images if args.images != IMAGES else None,
               'iterations': args.iterations}
    return RESULTS.with_name(RESULTS.name + ''.join(
        f'_{value}{name}' for name, value in changes.items() if value))


def step(title: str, seconds: Dict[str, float], name: str, run: Callable[[], object]) -> None:
    print(f'\n== {title}', flush=True)
    start = time.time()
    run()
    seconds[name] = time.time() - start


def convert() -> None:
    for dataset in ('gta', 'cityscapes'):
        command(['convert', dataset, str(DATA / dataset)])


def train(work_dir: Path, name: str, options: dict, device: str) -> None:
    if finished(work_dir, name, options):
        print(f'{work_dir} is finished')
        return
    changes = [f'{key}={value}' for key, value in options.items()]
    command(['train', config(name), '--work-dir', str(work_dir), '--seed', '0',
             '--resume-from', 'auto', '--device', device, '--cfg-options', *changes])


def command(arguments: Sequence[str]) -> None:
    """Run a command of ``mmseg-ssr``, which reports its own errors."""
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    process = subprocess.Popen([sys.executable, '-m', 'mmseg_ssr', *arguments],
                               env={**os.environ, 'PYTHONPATH': path})
    while process.returncode is None:
        with contextlib.suppress(KeyboardInterrupt):  # the command gets it too: it saves and ends
            process.wait()
    if process.returncode:
        raise UserError(f'mmseg-ssr {arguments[0]} did not finish (see above); run the demo again '
                        'to go on')


def config(name: str) -> str:
    return str(ROOT / 'configs' / 'demo' / f'{name}.py')


def finished(work_dir: Path, name: str, options: dict) -> Optional[dict]:
    return finished_result(str(work_dir), load_config(config(name), options))


def table(results: Dict[str, dict]) -> str:
    """Make a table: a line for each class and for the mean, a column for each training."""
    titles = [TITLES[name] for name in results]
    lines = ['class'.ljust(15) + ''.join(title.rjust(16) for title in titles)]
    classes = [key for key in next(iter(results.values()))['scores'] if key.startswith('IoU.')]
    for key in [*classes, 'mIoU']:
        values = [result['scores'][key] for result in results.values()]
        lines.append((key[4:] if key != 'mIoU' else 'mean').ljust(15)
                     + ''.join(f'{value:16.1f}' for value in values))
    return '\n'.join(lines)


def print_paths(folder: Path, results: Dict[str, dict], picture: Path) -> None:
    for name, result in results.items():
        work_dir = folder / f'{name}_s0'
        logs = sorted(work_dir.glob('*.log'))
        print(f'{TITLES[name]}: checkpoint {work_dir / result["checkpoint"]}, log '
              f'{logs[0] if logs else "none"}')
    print(f'picture: {picture}')


def draw(folder: Path, names: Sequence[str], path: Path, device: str) -> None:
    """Draw image, ground truth and predictions of a few validation images side by side."""
    dataset = limit_images(build_test_dataset(load_config(config(names[0]))), PICTURE_ROWS)
    palette = dataset.PALETTE
    images = [cv2.imread(os.path.join(dataset.img_dir, info['filename']))[..., ::-1]
              for info in dataset.img_infos]
    truth = [dataset.get_gt_seg_map_by_idx(i) for i in range(len(dataset))]
    panels = [Panel('image', [np.ascontiguousarray(image) for image in images]),
              Panel('ground truth', [colorize(label, palette) for label in truth])]
    for name in names:
        predictions = predict(folder / f'{name}_s0', name, device)
        panels.append(Panel(TITLES[name], [colorize(label, palette) for label in predictions]))
    picture = draw_panels(panels, dataset.CLASSES, palette)
    write_atomic(path, cv2.imencode(path.suffix, picture[..., ::-1])[1].tobytes())
    print()


def predict(work_dir: Path, name: str, device: str) -> List[np.ndarray]:
    cfg = load_config(config(name))
    model = build_test_model(cfg)
    load_weights(model, str(work_dir / 'latest.pth'))
    return run_test(model, limit_images(build_test_dataset(cfg), PICTURE_ROWS),
                    pick_device(device), evaluate=False)


if __name__ == '__main__':
    main()
