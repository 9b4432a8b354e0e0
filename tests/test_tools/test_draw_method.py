import importlib
import re

import numpy as np
import pytest
from PIL import Image
from tiny_training import ROOT


@pytest.fixture(scope='module')
def tool():
    import sys
    sys.path.insert(0, str(ROOT / 'tools'))
    yield importlib.import_module('draw_method')
    sys.path.remove(str(ROOT / 'tools'))


@pytest.fixture(scope='module')
def drawn(tool, tmp_path_factory):
    folder = tmp_path_factory.mktemp('figures')
    tool.main(['--out', str(folder / 'new')])
    return folder / 'new'


def test_figures_are_small_and_show_something(tool, drawn):
    assert sorted(path.stem for path in drawn.iterdir()) == sorted(tool.FIGURES)
    for path in drawn.iterdir():
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert('RGB'))
        assert path.stat().st_size < 150_000
        assert pixels.shape == (720, 1440, 3)
        assert 0.1 < (pixels < 250).any(axis=2).mean() < 0.9  # neither blank nor painted over
        for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
            assert (edge == 255).all()  # nothing is cut off


def test_the_same_figure_again(tool, drawn, tmp_path):
    tool.FIGURES['method_step']().save(tmp_path / 'again.png')
    assert (tmp_path / 'again.png').read_bytes() == (drawn / 'method_step.png').read_bytes()


@pytest.mark.parametrize('figure', ['architecture', 'training_step'])
def test_no_text_lies_on_another(tool, figure):
    sheet = getattr(tool, figure)()
    sheet.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in sheet.axes.texts if text.get_text()]
    boxes += [text.get_window_extent() for text in sheet.axes.get_legend().get_texts()]
    assert len(boxes) > 12
    assert not [(one, two) for i, one in enumerate(boxes) for two in boxes[:i] if one.overlaps(two)]


def test_the_views_are_drawn(tool, tmp_path):
    views = importlib.import_module('draw_views')
    views.main(['--out', str(tmp_path / 'views.jpg'), '--size', '96', '48'])
    source, target, mixed, masked = (panel.tiles for panel in views.panels((96, 48), 3))
    with Image.open(tmp_path / 'views.jpg') as picture:
        assert picture.size[0] > 4 * 320 and np.asarray(picture).std() > 20
    from_source, from_target = ((mixed[1] == label).all(axis=2) for _, label in (source, target))
    assert (from_source | from_target).all() and not from_source.all() and not from_target.all()
    assert (masked[1] == target[1]).all()
    assert 0.4 < (masked[0] == [124, 116, 104]).all(axis=2).mean() < 0.95  # hidden blocks


def test_the_page_shows_the_figures(tool):
    page = (ROOT / 'docs' / 'method.md').read_text(encoding='utf-8')
    shown = re.findall(r'\]\((images/\w+\.\w+)\)', page)
    assert sorted(shown) == sorted([*(f'images/{name}.png' for name in tool.FIGURES),
                                    'images/method_views.jpg'])
    assert all((ROOT / 'docs' / path).is_file() for path in shown)
