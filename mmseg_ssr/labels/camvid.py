"""The 11 classes of CamVid, as SegNet groups its 32, and their place in Cityscapes.

docs/real_data.md has the reason for each class of Cityscapes.
"""
from typing import Dict, Tuple

import numpy as np

from .cityscapes import CLASSES as CITYSCAPES
from .cityscapes import LABEL_IDS
from .ignore_index import IGNORE_INDEX

#: Class -> the classes of CamVid's own release in it, with their RGB in label images.
GROUPS: Dict[str, Dict[str, Tuple[int, int, int]]] = {
    'sky': dict(Sky=(128, 128, 128)),
    'building': dict(Building=(128, 0, 0), Wall=(64, 192, 0), Archway=(192, 0, 128),
                     Bridge=(0, 128, 64), Tunnel=(64, 0, 64)),
    'pole': dict(Column_Pole=(192, 192, 128), TrafficCone=(0, 0, 64)),
    'road': dict(Road=(128, 64, 128), LaneMkgsDriv=(128, 0, 192), LaneMkgsNonDriv=(192, 0, 64)),
    'pavement': dict(Sidewalk=(0, 0, 192), ParkingBlock=(64, 192, 128),
                     RoadShoulder=(128, 128, 192)),
    'tree': dict(Tree=(128, 128, 0), VegetationMisc=(192, 192, 0)),
    'sign': dict(SignSymbol=(192, 128, 128), Misc_Text=(128, 128, 64), TrafficLight=(0, 64, 64)),
    'fence': dict(Fence=(64, 64, 128)),
    'car': dict(Car=(64, 0, 128), SUVPickupTruck=(64, 128, 192), Truck_Bus=(192, 128, 192),
                Train=(192, 64, 128), OtherMoving=(128, 64, 64)),
    'pedestrian': dict(Pedestrian=(64, 64, 0), Child=(192, 128, 64),
                       CartLuggagePram=(64, 0, 192), Animal=(64, 128, 64)),
    'bicyclist': dict(Bicyclist=(0, 128, 192), MotorcycleScooter=(192, 0, 192)),
}
CLASSES = tuple(GROUPS)
#: RGB of each class in pictures.
PALETTE = tuple(next(iter(colors.values())) for colors in GROUPS.values())
#: Pixels without a class: their value in SegNet's label files, their RGB in CamVid's own.
VOID, VOID_COLOR = 11, (0, 0, 0)
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
