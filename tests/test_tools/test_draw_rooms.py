"""The figure of the rooms: it shows those that there are, and can be read."""
import xml.etree.ElementTree as ElementTree

import pytest
from tiny_training import ROOT


@pytest.fixture(scope='module')
def tool():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / 'tools'))
        import draw_rooms
        yield draw_rooms


@pytest.fixture(scope='module')
def sheet(tool):
    return tool.draw()


def bold(path):
    """The titles of boxes in an SVG."""
    texts = ElementTree.parse(path).getroot().iterfind('.//{*}text')
    return {text.text for text in texts if 'font-weight: 700' in text.get('style')}


def test_the_page_shows_the_rooms_that_there_are(tool, sheet, tmp_path):
    sheet.save(tmp_path / 'now.svg')
    now, shown = bold(tmp_path / 'now.svg'), bold(ROOT / 'docs' / 'images' / 'rooms.svg')
    assert shown == now, 'run python tools/draw_rooms.py'
    assert {name for title in now for name in title.split(', ')} == set(tool.rooms())


@pytest.mark.slow
def test_the_same_figure_again(tool, sheet, tmp_path):
    sheet.save(tmp_path / 'rooms.svg')
    tool.main(['--out', str(tmp_path / 'again' / 'rooms.svg')])
    assert (tmp_path / 'again' / 'rooms.svg').read_bytes() == (tmp_path / 'rooms.svg').read_bytes()


def test_an_arrow_that_follows_from_others_is_left_out(tool):
    arrows = dict(a={'b', 'c', 'd'}, b={'c'}, c=set(), d={'c'})
    assert tool.reduced(arrows) == dict(a={'b', 'd'}, b={'c'}, c=set(), d={'c'})


def test_a_room_stands_above_what_it_imports(tool):
    arrows = tool.imported_rooms()
    rows = tool.levels(arrows)
    assert all(rows[room] > rows[other] for room in arrows for other in arrows[room])


def test_nothing_lies_on_anything_else(tool, sheet):
    sheet.figure.canvas.draw()
    texts = [text.get_window_extent() for text in sheet.axes.texts if text.get_text()]
    assert len(texts) > 30
    assert not [one for i, one in enumerate(texts) for two in texts[:i] if one.overlaps(two)]
    boxes = [box.get_window_extent() for box in sheet.axes.patches]
    assert not [one for i, one in enumerate(boxes) for two in boxes[:i] if one.overlaps(two)]
    sheet_box = sheet.figure.bbox
    assert all(sheet_box.x0 <= box.x0 and box.x1 <= sheet_box.x1 for box in boxes)
    assert all(any(box.x0 < text.x0 and text.x1 < box.x1 and box.y0 < text.y0 and text.y1 < box.y1
                   for box in boxes) for text in texts)
    lines = [line.get_path().transformed(line.get_transform()) for line in sheet.axes.lines]
    assert not [box for box in boxes for line in lines
                if line.intersects_bbox(box.padded(-1), filled=False)]
