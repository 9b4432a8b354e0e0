"""Cityscapes label ids (not train ids) that Streets draws, and the colors of the GTA palette."""
from enum import IntEnum


class Label(IntEnum):
    """Label ids as in the label images of GTA5 and Cityscapes (``*_labelIds.png``)."""

    UNLABELED = 0
    EGO_VEHICLE = 1
    STATIC = 4
    DYNAMIC = 5
    ROAD = 7
    SIDEWALK = 8
    BUILDING = 11
    WALL = 12
    FENCE = 13
    POLE = 17
    TRAFFIC_LIGHT = 19
    TRAFFIC_SIGN = 20
    VEGETATION = 21
    TERRAIN = 22
    SKY = 23
    PERSON = 24
    RIDER = 25
    CAR = 26
    TRUCK = 27
    BUS = 28
    TRAIN = 31
    MOTORCYCLE = 32
    BICYCLE = 33


#: The 19 evaluated classes in the order of their train ids.
EVALUATED = (
    Label.ROAD, Label.SIDEWALK, Label.BUILDING, Label.WALL, Label.FENCE, Label.POLE,
    Label.TRAFFIC_LIGHT, Label.TRAFFIC_SIGN, Label.VEGETATION, Label.TERRAIN, Label.SKY,
    Label.PERSON, Label.RIDER, Label.CAR, Label.TRUCK, Label.BUS, Label.TRAIN,
    Label.MOTORCYCLE, Label.BICYCLE,
)

#: RGB color of each label in palette PNGs; labels that are not listed are black.
COLORS = {
    Label.EGO_VEHICLE: (0, 0, 0), Label.STATIC: (20, 20, 20), Label.DYNAMIC: (111, 74, 0),
    Label.ROAD: (128, 64, 128), Label.SIDEWALK: (244, 35, 232), Label.BUILDING: (70, 70, 70),
    Label.WALL: (102, 102, 156), Label.FENCE: (190, 153, 153), Label.POLE: (153, 153, 153),
    Label.TRAFFIC_LIGHT: (250, 170, 30), Label.TRAFFIC_SIGN: (220, 220, 0),
    Label.VEGETATION: (107, 142, 35), Label.TERRAIN: (152, 251, 152), Label.SKY: (70, 130, 180),
    Label.PERSON: (220, 20, 60), Label.RIDER: (255, 0, 0), Label.CAR: (0, 0, 142),
    Label.TRUCK: (0, 0, 70), Label.BUS: (0, 60, 100), Label.TRAIN: (0, 80, 100),
    Label.MOTORCYCLE: (0, 0, 230), Label.BICYCLE: (119, 11, 32),
}
