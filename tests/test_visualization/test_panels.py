import numpy as np
import pytest

from mmseg_ssr.visualization import Panel, colorize, draw_panels

PALETTE = [(255, 0, 0), (0, 255, 0)]


def test_colors_follow_the_palette():
    label = np.array([[0, 1], [255, 7]])
    assert colorize(label, PALETTE).tolist() == [[[255, 0, 0], [0, 255, 0]],
                                                 [[0, 0, 0], [0, 0, 0]]]


def tile(value):
    return np.full((10, 20, 3), value, np.uint8)


def test_tiles_keep_their_place():
    picture = draw_panels([Panel('a', [tile(1), tile(2)]), Panel('b', [tile(3), tile(4)])],
                          tile_width=20)
    assert picture.shape == (28 + 2 * (4 + 10), 20 + 4 + 20, 3)
    assert (picture[32:42, :20] == 1).all() and (picture[46:56, :20] == 2).all()
    assert (picture[32:42, 24:] == 3).all() and (picture[46:56, 24:] == 4).all()
    assert (picture[:, 20:24] == 255).all()


def test_tiles_are_scaled_to_one_width():
    picture = draw_panels([Panel('a', [tile(1)])], tile_width=40)
    assert picture.shape == (28 + 4 + 20, 40, 3)


def test_captions_and_legend_are_drawn():
    plain = draw_panels([Panel('', [tile(1)])], tile_width=200)
    picture = draw_panels([Panel('image', [tile(1)])], ('road', 'sky'), PALETTE, tile_width=200)
    assert (picture[:28] < 255).any() and not (plain[:28] < 255).any()
    legend = picture[plain.shape[0]:]
    for color in PALETTE:
        assert (legend == color).all(axis=2).any()


def test_panels_of_different_length():
    with pytest.raises(ValueError, match='same number of tiles'):
        draw_panels([Panel('a', [tile(1)]), Panel('b', [])])
