"""CamVid's classes beside those of Cityscapes and of its own release."""
import numpy as np

from mmseg_ssr.labels import cityscapes
from mmseg_ssr.labels.camvid import CLASSES, GROUPS, OF_CITYSCAPES, PALETTE, camvid_table


def test_the_order_is_that_of_the_labels():
    assert CLASSES == ('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign', 'fence',
                       'car', 'pedestrian', 'bicyclist')
    assert PALETTE[3] == (128, 64, 128) and PALETTE[10] == (0, 128, 192)


def test_the_32_classes_but_void_are_grouped_once():
    names = [name for group in GROUPS.values() for name in group]
    colors = {color for group in GROUPS.values() for color in group.values()}
    assert len(names) == len(set(names)) == len(colors) == 31


def test_every_class_of_cityscapes_has_one_place():
    assert tuple(OF_CITYSCAPES) == CLASSES
    placed = [name for group in OF_CITYSCAPES.values() for name in group]
    assert sorted(placed) == sorted(cityscapes.CLASSES)


def test_label_ids_become_values_of_camvid():
    table = camvid_table()
    assert table.dtype == np.uint8 and len(table) == 256
    # sky, wall, terrain, light, bus, rider, bicycle; then ego vehicle, parking and ignored
    assert table[[23, 12, 22, 19, 28, 25, 33]].tolist() == [0, 1, 5, 6, 8, 10, 10]
    assert table[[0, 1, 9, 255]].tolist() == [11] * 4
    assert (table != 11).sum() == 19
