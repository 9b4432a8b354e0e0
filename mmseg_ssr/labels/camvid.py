"""The 11 classes of CamVid, as the tutorial of SegNet publishes it, and their place in Cityscapes.

The labels hold the position of a class, or :data:`VOID`. The tutorial groups CamVid's 32 classes:
walls, bridges and arches are buildings, bushes and grass are trees, traffic lights are signs, all
motor vehicles of four wheels and trains are cars, motorcycles with their riders are bicyclists.
docs/real_data.md has the reason for each class of Cityscapes.
"""
from typing import Dict, Tuple

import numpy as np

from .cityscapes import CLASSES as CITYSCAPES
from .cityscapes import LABEL_IDS
from .ignore_index import IGNORE_INDEX

CLASSES = ('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign', 'fence', 'car',
           'pedestrian', 'bicyclist')
#: RGB of each class, as the tutorial's pictures have it.
PALETTE = ((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222),
           (128, 128, 0), (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0),
           (0, 128, 192))
#: Value of pixels without a class in the label files.
VOID = 11
#: Name of a sequence, with which the names of its frames begin -> what it shows.
SEQUENCES = {'0001TP': 'dusk', '0006R0': 'day', '0016E5': 'day', 'Seq05VD': 'day'}

#: Class -> the classes of Cityscapes in it.
OF_CITYSCAPES: Dict[str, Tuple[str, ...]] = {
    'sky': ('sky', ),
    'building': ('building', 'wall'),
    'pole': ('pole', ),
    'road': ('road', ),
    'pavement': ('sidewalk', ),
    'tree': ('vegetation', 'terrain'),
    'sign': ('traffic light', 'traffic sign'),
    'fence': ('fence', ),
    'car': ('car', 'truck', 'bus', 'train'),
    'pedestrian': ('person', ),
    'bicyclist': ('rider', 'motorcycle', 'bicycle'),
}


def ids_of(name: str) -> Tuple[int, ...]:
    """Return the label ids of Cityscapes that mean a class of CamVid."""
    return tuple(LABEL_IDS[CITYSCAPES.index(one)] for one in OF_CITYSCAPES[name])


def camvid_table() -> np.ndarray:
    """Return a table of 256 uint8 from label ids of Cityscapes to CamVid's values in labels."""
    table = np.full(IGNORE_INDEX + 1, VOID, np.uint8)
    for value, name in enumerate(CLASSES):
        table[list(ids_of(name))] = value
    return table
