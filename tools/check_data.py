"""Look at every image and label of a config's data sets, and name what is wrong.

    python tools/check_data.py CONFIG

Missing labels, damaged files, sizes that differ and wrong values are problems (exit code 1). Other
numbers of images than published, frames of a single colour, labels that are all ignored and classes
that never occur are notes. Labels of a target domain's training images are not looked at.
"""
import argparse
import sys
import warnings
from pathlib import Path
from typing import List, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
warnings.filterwarnings('ignore', message='On January 1, 2023, MMCV')

import mmseg_ssr  # noqa: E402, F401
from mmseg_ssr.datasets import build_dataset  # noqa: E402
from mmseg_ssr.datasets.inspection import (  # noqa: E402
    Report,
    inspect,
    inspect_statistics,
    published_images,
)
from mmseg_ssr.datasets.parallel import (  # noqa: E402
    default_workers,
    progress_bar,
    worker_count,
)
from mmseg_ssr.engine.config import Options, load_config  # noqa: E402
from mmseg_ssr.engine.config_check import dataset_configs, validate  # noqa: E402
from mmseg_ssr.errors import cli  # noqa: E402

#: Lines of a kind that are shown without --all.
SHOWN = 20


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--nproc', type=worker_count, default=default_workers(),
                        help='number of processes (default: %(default)s)')
    parser.add_argument('--all', action='store_true',
                        help=f'show all problems and notes, not the first {SHOWN}')
    parser.add_argument('--cfg-options', nargs='+', action=Options, default={},
                        metavar='KEY=VALUE', help='change the config')
    return parser.parse_args(argv)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    validate(cfg)
    problems, looked_at = 0, []
    for path, config in dataset_configs(cfg):
        config = {**config, 'pipeline': []}
        if path.endswith('.target'):
            config.pop('ann_dir', None)  # never read in training
        if config in looked_at:
            continue
        looked_at.append(config)
        dataset = build_dataset(config, test_mode=True, need_labels=False)
        report = inspect(dataset, published_images(config), args.nproc, progress_bar(path))
        if path.endswith('.source') and report.labels:
            report.notes += inspect_statistics(dataset)
        show(path, type(dataset).__name__, report, None if args.all else SHOWN)
        problems += len(report.problems)
    print(f'{problems} problems' if problems else 'no problems')
    if problems:
        sys.exit(1)


def show(path: str, name: str, report: Report, lines: Optional[int]) -> None:
    print(f'\n{path}, {name}: {report.images} images, {report.labels} labels')
    shares = [f'{class_name} {100 * share:.2f} %' for class_name, share in report.pixels.items()]
    if shares:
        print('  pixels:', ', '.join(shares))
    for kind, found in (('problem', report.problems), ('note', report.notes)):
        for line in found[:lines]:
            print(f'  {kind}: {line}')
        if lines is not None and len(found) > lines:
            print(f'  {len(found) - lines} more {kind}s: --all shows them')


if __name__ == '__main__':
    main()
