"""The page: its structure, what it shows, and what it says of what is not there."""
import base64
import json
import re
import xml.etree.ElementTree as ElementTree
from importlib import resources

import cv2
import numpy as np
import pytest
import torch

from mmseg_ssr.errors import MissingFile, UserError
from mmseg_ssr.report import figures
from mmseg_ssr.report.write import write_report

CPU = torch.device('cpu')


def decoded(address):
    """Width and height of an embedded image."""
    kind, content = address.removeprefix('data:').split(';base64,')
    content = base64.b64decode(content, validate=True)
    if kind == 'image/svg+xml':
        root = ElementTree.fromstring(content)
        assert root.tag.endswith('svg') and len(root.findall('.//{*}path')) > 10
        return tuple(float(root.get(key).removesuffix('pt')) for key in ('width', 'height'))
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.std() > 5  # something is on it
    return pixels.shape[1::-1]


def test_the_page_is_whole_and_stands_alone(pair, read_page):
    page = read_page(pair)
    assert page.faults == []
    assert page.links == page.ids == [
        'score', 'classes', 'pictures', 'curves', 'images-1', 'images-2']
    counts = {name: len(addresses) for name, addresses in page.by_section.items()}
    assert counts['score'] == counts['classes'] == 0
    assert counts['pictures'] == 3 * 4  # photograph, truth and two predictions of three images
    assert counts['curves'] > 10  # losses, other numbers, and the classes of both runs
    assert counts['images-2'] == 3 * 5 + 1  # no teacher, and the confusion matrix
    attention = len(re.findall('cross-attention of', page.text.split('id="images-1"')[1])) // 6
    assert counts['images-1'] == 3 * 6 + 1 + 5 * attention + 5
    assert all(min(decoded(address)) >= 32 for address in page.images)


def test_the_numbers_are_those_of_the_runs(pair, read_page, runs):
    page = read_page(pair)
    results = [json.loads((folder / 'result.json').read_text())
               for folder in (runs.ssr, runs.source_only)]
    rows = page.cells('run')
    assert [row[:4] for row in rows] == [['ssr', 'SSR + MIC', '3', '2'],
                                         ['source_only', 'source-only', '3', '2']]
    assert [row[4] for row in rows] == [f'{result["mIoU"]:.2f}' for result in results]
    scores = [result['scores'] for result in results]
    road = next(row for row in page.cells('class') if row[0] == 'road')
    one, other = (score['IoU.road'] for score in scores)
    assert (road[1], road[3], road[5]) == (f'{one:.2f}', f'{other:.2f}', f'{other - one:+.2f}')


def left_out(page):
    return page.text.split('<section id="left-out">')[1]


def test_logs_alone_are_enough(copied, no_drawing, read_page):
    for path in [*copied.glob('*.pth'), copied / 'config.py', copied / 'result.json']:
        path.unlink()
    page = read_page(type(copied)(write_report([str(copied)], device=CPU)))
    assert page.faults == [] and page.images == page.by_section['curves']
    assert page.ids == ['score', 'classes', 'curves', 'left-out']
    assert page.cells('run')[0][0] == 'copy' and page.cells('run')[0][4] != '-'
    for reason in ('no config.py in the folder', 'no result.json', 'all that needs the config'):
        assert reason in left_out(page)


@pytest.mark.parametrize('damage, reason', [
    (lambda run: (run / 'iter_2.pth').write_bytes(b'garbage'), 'iter_2.pth'),
    (lambda run: (run / 'config.py').write_text('import os\nos.abort()'), 'could run code'),
    (lambda run: (run / 'config.py').write_text(
        (run / 'config.py').read_text().replace('leftImg8bit/val', 'nowhere')), 'nowhere'),
])
def test_damaged_runs_keep_their_curves(copied, no_drawing, read_page, damage, reason):
    damage(copied)
    page = read_page(type(copied)(write_report([str(copied)], device=CPU)))
    assert page.faults == [] and page.images == page.by_section['curves'] != []
    assert reason in left_out(page) and 'confusion matrix and images' in left_out(page)


def test_a_missing_encoder_leaves_the_images(copied, no_drawing, read_page):
    config = copied / 'config.py'
    config.write_text(config.read_text().replace('checkpoint=None', "checkpoint='no_sam.pth'"))
    page = read_page(type(copied)(write_report([str(copied)], device=CPU)))
    assert 'ssr, regularizer: ' in left_out(page) and 'no_sam.pth' in left_out(page)
    assert len(page.by_section['pictures']) == 3 * 6 and len(page.by_section['images-1']) == 1


def test_without_images_no_network_is_built(copied, no_drawing, read_page, monkeypatch):
    monkeypatch.setattr('mmseg_ssr.report.write.examine', None)
    page = read_page(type(copied)(write_report([str(copied)], images=0)))
    assert 'not asked for' in left_out(page)
    assert page.images == page.by_section['curves'] != []


def test_folders_that_are_no_runs(tmp_path, runs):
    with pytest.raises(MissingFile, match='nowhere is no folder: give the work directory'):
        write_report([str(tmp_path / 'nowhere')])
    with pytest.raises(MissingFile, match='holds neither the log'):
        write_report([str(tmp_path)])
    with pytest.raises(MissingFile, match='page.html: there is no folder .*no'):
        write_report([str(runs.ssr)], str(tmp_path / 'no' / 'page.html'))


def test_an_error_leaves_the_page_that_is_there(copied, monkeypatch):
    page = copied / 'report.html'
    page.write_text('before')
    before = sorted(copied.iterdir())

    def fails(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.replace', fails)
    with pytest.raises(UserError, match='No space left on device'):
        write_report([str(copied)], images=0)
    assert page.read_text() == 'before' and sorted(copied.iterdir()) == before


def luminance(color):
    """Relative luminance of ``#rrggbb``, by WCAG 2."""
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055)**2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize('mode', [0, 1], ids=['light', 'dark'])
def test_colors_can_be_read(mode):
    style = resources.files('mmseg_ssr.report').joinpath('templates/page.css').read_text()
    block = re.findall(r':root \{(.*?)\}', style, re.S)[mode]
    colors = dict(re.findall(r'--(\w+): (#\w{6})', block))
    for background in ('paper', 'tint'):
        for text in ('ink', 'soft', 'link'):
            assert contrast(colors[text], colors[background]) >= 4.5, (text, background)
    for bar in figures.COLORS:
        assert contrast(bar, colors['track']) >= 1.6, bar  # the number stands beside it


def test_text_of_a_run_is_no_markup(copied, no_drawing, read_page):
    config = copied / 'config.py'
    config.write_text(config.read_text() + "\nname = '<script>alert(1)</script>'\n")
    page = read_page(type(copied)(write_report([str(copied)], images=0)))
    assert page.faults == [] and '&lt;script&gt;' in page.text
