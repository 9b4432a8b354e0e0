"""Cityscapes label ids (not train ids) that Streets draws, and the colors of the GTA palette."""
from enum import IntEnum

from ..labels.cityscapes import LABEL_IDS, PALETTE


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
EVALUATED = tuple(map(Label, LABEL_IDS))

#: RGB color of each label in palette PNGs. Labels that are not listed are black.
COLORS = {Label.STATIC: (20, 20, 20), Label.DYNAMIC: (111, 74, 0), **dict(zip(EVALUATED, PALETTE))}
