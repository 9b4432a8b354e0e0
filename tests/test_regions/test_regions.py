"""Regions of an image, and how boxes tidy them."""
import pytest
import torch

from mmseg_ssr.regions import Regions, tidied
from mmseg_ssr.regions.regions import bounding_boxes


def rectangles(*boxes, size=(32, 40)):
    """Regions (x1, y1, x2, y2), borders included."""
    masks = torch.zeros(len(boxes), *size, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes):
        mask[y1:y2 + 1, x1:x2 + 1] = True
    return Regions.of(masks, torch.arange(float(len(boxes))))


def test_bounding_boxes_are_those_of_the_masks():
    boxes = [(3, 5, 20, 9), (0, 0, 39, 31), (7, 8, 7, 8)]
    assert bounding_boxes(rectangles(*boxes).masks).tolist() == [list(box) for box in boxes]


def test_no_mask_and_an_empty_mask_have_boxes():
    assert bounding_boxes(torch.zeros(0, 4, 6, dtype=torch.bool)).shape == (0, 4)
    assert bounding_boxes(torch.zeros(1, 4, 6, dtype=torch.bool)).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize('out, kept', [(5, False), (6, True)])
@pytest.mark.parametrize('side', range(4))
def test_a_region_goes_if_it_stands_out_of_a_box_by_5_pixels_at_most(out, kept, side):
    inner = [10, 10, 20, 20]
    inner[side] += out if side > 1 else -out
    found = tidied(rectangles(inner), torch.tensor([[10., 10, 20, 20]]),
                   rectangles((12, 12, 18, 18)))
    assert len(found.masks) == 1 + kept


def test_regions_of_boxes_come_first_and_without_boxes_nothing_changes():
    regions = rectangles((0, 0, 39, 31), (1, 1, 5, 5))
    of_box = rectangles((2, 2, 4, 4))
    found = tidied(regions, torch.tensor([[0., 0, 8, 8]]), of_box)
    assert torch.equal(found.masks, torch.cat([of_box.masks, regions.masks[:1]]))
    assert tidied(regions, torch.zeros(0, 4), rectangles()) is regions
