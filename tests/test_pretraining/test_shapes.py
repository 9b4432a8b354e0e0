import cv2
import numpy as np
import pytest

from mmseg_ssr.pretraining.shapes import NUMBERS, SIDE, describe, sort_into_kinds


def picture():
    """Background 0, object 4 with two parts, object 9 with one: 40 x 60."""
    objects = np.zeros((40, 60), int)
    objects[10:30, 5:15] = 4
    objects[36:40, 30:50] = 9
    parts = objects * 10
    parts[10:30, 5:10] = 41
    return objects, parts


def test_the_numbers_of_a_description():
    background, tall, flat = describe(*picture())
    np.testing.assert_allclose(tall[:NUMBERS], [
        np.log(20), np.log(10), 1, 10 / 40, 30 / 40, np.log(2),
        (20 + 20 + 8) / 200  # left edge, middle, and the rest of the upper edge
    ], rtol=1e-6)
    np.testing.assert_allclose(flat[:6], [np.log(4), np.log(20), 1, 36 / 40, 1, 0], rtol=1e-6)
    assert background[2] == pytest.approx(1 - (200 + 80) / 2400)


def test_pictures_are_of_the_mask_and_of_the_seams_within():
    objects = np.zeros((2 * SIDE, 2 * SIDE), int)
    objects[2:14, 3:15] = 1
    parts = objects.copy()
    parts[8:14, 3:15] = 2
    mask, seams = np.split(describe(objects, parts)[1][NUMBERS:].reshape(2 * SIDE, -1), 2)
    np.testing.assert_array_equal(mask, np.ones_like(mask))  # it fills its bounding box
    expected = np.zeros_like(seams)
    expected[[0, 6]] = 1  # the upper edge and the border of the parts
    expected[:, 0] = np.where(expected[:, 0] == 1, 1, 0.5)  # the left edge, and none on the right
    np.testing.assert_array_equal(seams, expected)
    objects[7:9, 8:10] = 0  # a hole in the middle
    holed = describe(objects, parts)[1][NUMBERS:].reshape(2 * SIDE, -1)[:SIDE]
    assert np.argwhere(holed == 0).tolist() == [[5, 5], [6, 5]] and holed.sum() == 70


def test_a_mirror_image_has_the_same_outline_and_numbers_of_objects_do_not_matter():
    objects, parts = picture()
    objects[10:30, 5:15][np.random.default_rng(0).random((20, 10)) < 0.3] = 0
    outline = slice(0, NUMBERS + SIDE * SIDE // 2)
    one, mirrored = (describe(o, o)[1, outline] for o in (objects, objects[:, ::-1]))
    kept = np.arange(len(one)) != NUMBERS - 1  # seams lie to the right of an edge
    np.testing.assert_allclose(one[kept], mirrored[kept], atol=1e-5)
    np.testing.assert_array_equal(describe(objects, parts), describe(objects * 7, parts + 100))


def test_kinds_are_shapes():
    rng = np.random.default_rng(0)
    shapes = []
    for index in range(60):
        objects = np.zeros((40, 60), int)
        height, width = ((20, 4), (4, 20), (12, 12))[index % 3]
        top, left = 10, rng.integers(2, 60 - width)
        objects[top:top + height, left:left + width] = 1
        shapes.append(describe(objects, objects)[1])
    shapes = np.stack(shapes)
    kinds = sort_into_kinds(shapes, 3)
    assert kinds.shape == (60, ) and set(kinds) == {0, 1, 2}
    assert all(len(set(kinds[first::3])) == 1 for first in range(3))
    np.testing.assert_array_equal(kinds, sort_into_kinds(shapes, 3))


def test_objects_count_by_the_root_of_their_area(monkeypatch):
    """Five of 100 x 100 pixels as much as five hundred of one pixel."""
    shapes = np.zeros((505, NUMBERS + SIDE * SIDE), np.float32)
    shapes[:, 2] = 1  # all of the bounding box
    shapes[:, 3] = np.random.default_rng(0).random(505)
    shapes[500:, :2] = np.log(100)
    drawn = []
    kmeans = cv2.kmeans
    monkeypatch.setattr(cv2, 'kmeans', lambda points, *args: drawn.append(points)
                        or kmeans(points, *args))
    kinds = sort_into_kinds(shapes, 4)
    assert (drawn[0][:, 0] > 1).mean() == pytest.approx(0.5, abs=0.02)
    assert set(kinds[:500]).isdisjoint(kinds[500:])
