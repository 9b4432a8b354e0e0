import cv2
import numpy as np
import pytest

from mmseg_ssr.visualization.views import (
    ViewTiles,
    draw_class_shares,
    draw_views,
    encoded,
    gray,
    restored,
    stacked,
)

MEAN, STD = np.array([100., 110., 120.]), np.array([50., 55., 60.])


def test_images_get_their_colors_back():
    image = np.stack([np.full((2, 3), value) for value in (-2., 0., 3.)])
    assert restored(image, MEAN, STD)[0, 0].tolist() == [0, 110, 255]


def test_weights_are_gray():
    assert gray(np.array([[0., .5, 1.]])).tolist() == [[[0] * 3, [128] * 3, [255] * 3]]


def test_columns_are_what_a_view_has():
    images = np.zeros((2, 3, 8, 16))
    label, weight = np.zeros((2, 8, 16), np.int64), np.ones((2, 8, 16))
    views = [ViewTiles('source', images, label), ViewTiles('mix', images, label, weight)]
    picture = draw_views(views, MEAN, STD, (), [(9, 8, 7)])
    assert picture.shape == (28 + 2 * (4 + 128), 5 * 256 + 4 * 4, 3)
    tiles = [picture[40, 260 * column].tolist() for column in range(5)]
    assert tiles == [[100, 110, 120], [9, 8, 7], [100, 110, 120], [9, 8, 7], [255, 255, 255]]


@pytest.mark.parametrize('width', [500, 1234])
def test_bars_are_as_wide_as_asked_and_not_blank(width):
    bars = draw_class_shares(dict(seen=[.5, 1.], drawn=[.1, .9]), ['road', 'sky'], 'x', width)
    assert bars.shape == (300, width, 3) and bars.std() > 5
    log = draw_class_shares(dict(seen=[.5, 0.]), ['road', 'sky'], 'x', width, log=True)
    assert log.shape == bars.shape and log.std() > 5
    above, below = (np.zeros((5, wide, 3), np.uint8) for wide in (width, width // 2))
    both = stacked([above, bars, below])
    assert both.shape[1] == width
    back = cv2.imdecode(np.frombuffer(encoded(both), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.array_equal(back, both)


def test_many_classes_go_on_in_further_rows():
    names = [f'class {i}' for i in range(150)]
    all_there = draw_class_shares(dict(seen=[.01] * 150), names, 'x', 1200)
    assert all_there.shape == (900, 1200, 3)
    assert all(row.std() > 5 for row in np.split(all_there, 3))
    few = draw_class_shares(dict(seen=[.5] * 10 + [0.] * 140, drawn=[0.] * 149 + [1.]), names,
                            'x', 1200)
    assert few.shape == (300, 1200, 3)
    assert draw_class_shares(dict(seen=[0.] * 150), names, 'x', 1200).shape == few.shape


def test_a_long_legend_names_the_classes_in_the_labels():
    label = np.full((1, 8, 16), 3)
    label[0, 0] = 255
    view = ViewTiles('source', np.zeros((1, 3, 8, 16)), label)
    palette = [(i, 0, 0) for i in range(100, 250)]
    whole, long = (draw_views([view], MEAN, STD, [f'class {i}' for i in range(count)], palette)
                   for count in (40, 41))
    assert whole.shape[0] > long.shape[0] == 28 + 4 + 128 + 22 + 8
    assert long[-20, 10].tolist() == [103, 0, 0]
