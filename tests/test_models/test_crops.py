import pytest
import torch

from mmseg_ssr.models.crops import (
    coverage,
    crop,
    merge_crops,
    random_box,
    scale_box,
    slide_boxes,
)


def test_the_last_boxes_move_back_into_the_image():
    assert slide_boxes(100, 64, (64, 64), (32, 32)) == (
        (0, 64, 0, 64), (32, 96, 0, 64), (36, 100, 0, 64))


def test_boxes_go_row_by_row_and_without_a_needless_last_one():
    assert slide_boxes(8, 12, (8, 8), (4, 4)) == ((0, 8, 0, 8), (0, 8, 4, 12))


def test_a_box_larger_than_the_image_is_clipped():
    assert slide_boxes(20, 70, (64, 64), (64, 64)) == ((0, 20, 0, 64), (0, 20, 6, 70))


def test_scaled_boxes_are_rounded_down():
    assert scale_box((8, 71, 0, 64), 4) == (2, 17, 0, 16)


def test_crops_are_averaged_where_they_overlap():
    crops = torch.tensor([1., 10., 3., 30.]).view(4, 1, 1, 1).expand(4, 1, 2, 2)  # 2 boxes, B = 2

    merged = merge_crops(crops, [(0, 2, 0, 2), (0, 2, 1, 3)], (3, 4))

    first = torch.tensor([[1., 2., 3., 0.], [1., 2., 3., 0.], [0., 0., 0., 0.]])
    torch.testing.assert_close(merged, torch.stack([first, 10 * first]).unsqueeze(1))


def test_what_is_beyond_a_clipped_box_is_left_out():
    crops = torch.arange(9.).view(1, 1, 3, 3)
    assert merge_crops(crops, [(0, 2, 0, 3)], (2, 3)).flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_gradients_reach_every_crop():
    crops = torch.ones(2, 1, 2, 2, requires_grad=True)
    merge_crops(crops, [(0, 2, 0, 2), (0, 2, 1, 3)], (2, 3)).sum().backward()
    assert crops.grad[0, 0].tolist() == [[1., .5], [1., .5]]
    assert crops.grad[1, 0].tolist() == [[.5, 1.], [.5, 1.]]


def test_coverage_counts_boxes():
    count = coverage([(0, 1, 0, 2), (0, 2, 1, 3)], (2, 3), torch.zeros(1))
    assert count.tolist() == [[1, 2, 1], [0, 1, 1]]


def test_random_boxes_are_aligned_and_reach_every_position():
    boxes = {random_box(32, 48, (16, 32), 8) for _ in range(200)}
    assert boxes == {(y, y + 16, x, x + 32) for y in (0, 8, 16) for x in (0, 8, 16)}


@pytest.mark.parametrize('shape', [(5, 6), (1, 5, 6), (2, 1, 5, 6)])
def test_a_crop_is_of_the_last_two_dimensions(shape):
    assert crop(torch.zeros(shape), (1, 4, 2, 4)).shape == (*shape[:-2], 3, 2)
