"""A data set of one's own: images and labels are listed in a table, with the weather of each."""
import csv
import os
from typing import Optional, Sequence

from mmseg.datasets.builder import DATASETS

from mmseg_ssr.datasets import FolderDataset

KINDS = [
    dict(name='ground', color=[128, 64, 128], ids=[7, 8, 22]),
    dict(name='construction', color=[70, 70, 70], ids=[11, 12, 13, 17, 19, 20]),
    dict(name='nature', color=[107, 142, 35], ids=[21, 23]),
    dict(name='traffic', color=[0, 0, 142], ids=[24, 25, 26, 27, 28, 31, 32, 33]),
]


@DATASETS.register_module()
class TableDataset(FolderDataset):
    """The rows of ``data_root/table.csv``, whose columns are image, label and weather.

    Args:
        pipeline, data_root, test_mode: as in mmseg.
        weather: take the rows with this weather; None takes all.
    """

    CLASSES = tuple(kind['name'] for kind in KINDS)
    PALETTE = [kind['color'] for kind in KINDS]

    def __init__(self, pipeline: Sequence[dict], data_root: str, weather: Optional[str] = None,
                 test_mode: bool = False):
        self.weather = weather
        super().__init__(pipeline, img_dir='.', ann_dir='.', classes=KINDS, ignore='rest',
                         data_root=data_root, test_mode=test_mode)

    def load_annotations(self, img_dir, *unused):
        with open(os.path.join(img_dir, 'table.csv'), newline='', encoding='utf-8') as table:
            rows = list(csv.DictReader(table))
        return [dict(filename=row['image'], ann=dict(seg_map=row['label']))
                for row in rows if self.weather in (None, row['weather'])]
