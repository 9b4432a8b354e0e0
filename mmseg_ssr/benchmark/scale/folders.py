"""The start of data sets over folders with many files."""
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Dict

import torch

from ...datasets.build import build_dataset
from ...datasets.source_statistics import source_counts
from ...datasets.target_config import target_config
from ...errors import unwritable
from ...labels.rare_class_sampling import RareClassSampling, rare_class_sampler
from ...labels.statistics import STATISTICS
from ..measure import Workload

#: Classes in each label, and pixels of each of them, of the made statistics.
CLASSES, PIXELS = 8, 4000
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
            dict(type='DefaultFormatBundle'), dict(type='Collect', keys=['img'])]
SAMPLING = RareClassSampling(min_pixels=3000, class_temp=0.01, min_crop_ratio=0.5)


class Start(Workload):
    """The start of a data set over empty files: their list and, of a source, its statistics.

    Args:
        images: number of images in one folder.
        labeled: whether it is a source, with labels, class statistics and rare class sampling.
            Otherwise it is a target, whose labels are not looked for.

    Raises:
        UserError: the files cannot be made in the folder for temporary files.
    """

    def __init__(self, device: torch.device, images: int, labeled: bool):
        self.images, self.labeled = images, labeled
        self.folder = tempfile.TemporaryDirectory()
        try:
            make_files(Path(self.folder.name), images, labeled)
        except OSError as error:
            raise unwritable(self.folder.name, error) from error
        self.made: Any = None

    def warm_up(self) -> Dict[str, Any]:
        """Do nothing: memory that was used once would not count as growth again."""
        return dict(images=self.images)

    def run(self) -> None:
        config = dict(type='GTADataset', data_root=self.folder.name, img_dir='images',
                      ann_dir='labels', pipeline=PIPELINE)
        if not self.labeled:
            self.made = build_dataset(target_config(config), need_labels=False, read_labels=False)
            return
        dataset = build_dataset(config, skip_unlabeled=True)
        self.made = dataset, rare_class_sampler([source_counts(dataset, keep=False)], SAMPLING)

    def finish(self) -> Dict[str, Any]:
        self.folder.cleanup()
        return {}


def make_files(root: Path, images: int, labeled: bool) -> None:
    """Make empty images and, with labels, empty labels and their statistics."""
    (root / 'images').mkdir()
    (root / 'labels').mkdir()
    for i in range(images):
        touch(f'{root}/images/{i:07d}.png')
    if not labeled:
        return
    for i in range(images):
        touch(f'{root}/labels/{i:07d}_labelTrainIds.png')
    with open(root / STATISTICS, 'w') as file:  # after the labels, or they would be read
        for i in range(images):
            counts = {str((i + c) % 19): PIXELS + i % 1000 for c in range(CLASSES)}
            record = dict(counts, file=f'labels/{i:07d}_labelTrainIds.png')
            file.write(f'{"," if i else "["}{json.dumps(record)}')
        file.write(']')


def touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT))
