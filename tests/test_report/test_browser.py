"""The page in a real browser: that it is drawn, whole, without a word on the console."""
import json
import os
import re
import shutil
import subprocess
from typing import Any, Dict, List, NamedTuple

import cv2
import numpy as np
import pytest

COMMANDS = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable',
            'chromium-headless-shell', 'headless_shell')
WIDTH, NARROW = 1400, 500  # a window of Chromium is not narrower
#: Asks the page how it came out and leaves the answer in it.
QUESTIONS = """
<script>
addEventListener('load', () => {
  const all = name => [...document.getElementsByTagName(name)];
  document.body.dataset.answers = JSON.stringify({
    images: all('img').map(img => [img.alt, img.naturalWidth, img.getBoundingClientRect().width]),
    sections: Object.fromEntries(all('section').map(
      section => [section.id, section.getBoundingClientRect().height])),
    tops: all('section').map(section => section.getBoundingClientRect().top),
    widths: all('section').map(section => [...section.querySelectorAll(
      '.scores, .groups, .strip, .plots')].map(part => part.getBoundingClientRect().width)),
    width: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight,
    requests: performance.getEntriesByType('resource').map(entry => entry.name)
      .filter(name => !name.startsWith('data:')),
  });
});
</script>
"""


class Opened(NamedTuple):
    """How a page came out."""
    pixels: np.ndarray
    answers: Dict[str, Any]
    console: List[str]


@pytest.fixture(scope='module')
def browser():
    """Command of a headless browser."""
    for name in COMMANDS:
        if shutil.which(name):
            return name
    pytest.skip('no Chromium or Chrome is installed')


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page without a network: ``opened(text)``."""

    def show(text, height=6000, width=WIDTH):
        page, picture = tmp_path / 'page.html', tmp_path / 'page.png'
        page.write_text(text.replace('</head>', f'{QUESTIONS}</head>'), encoding='utf-8')
        done = subprocess.run(
            [browser, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
             '--enable-logging=stderr', '--virtual-time-budget=5000', '--dump-dom',
             f'--screenshot={picture}', f'--window-size={width},{height}',
             f'--user-data-dir={tmp_path / "profile"}', '--host-resolver-rules=MAP * ~NOTFOUND',
             page.as_uri()],
            capture_output=True, text=True, timeout=120, env={**os.environ, 'HOME': str(tmp_path)})
        assert done.returncode == 0, done.stderr[-2000:]
        answers = re.search(r"data-answers=(\"|')(.*?)\1", done.stdout).group(2)
        return Opened(cv2.imread(str(picture)), json.loads(answers.replace('&quot;', '"')),
                      [line for line in done.stderr.splitlines() if 'CONSOLE' in line])

    return show


def test_the_report_is_drawn(pair, opened):
    page = opened(pair.read_text(encoding='utf-8'))
    assert page.console == [] and page.answers['requests'] == []
    assert list(page.answers['sections']) == [
        'score', 'classes', 'pictures', 'curves', 'images-1', 'images-2']
    assert page.answers['tops'] == sorted(page.answers['tops'])
    assert all(height > 50 for height in page.answers['sections'].values())
    for widths in page.answers['widths']:
        assert widths and min(widths) > 0.9 * WIDTH  # the full width of the page
    for name, own, drawn in page.answers['images']:
        assert own > 50 and 150 < drawn <= WIDTH, name
    assert page.answers['width'] == WIDTH  # nothing sticks out
    assert page.pixels.shape == (6000, WIDTH, 3)
    used = page.pixels[:int(page.answers['height'])]
    assert used.std() > 20
    blank = (used == used[:1, :1]).all(axis=(1, 2))
    assert np.diff(np.flatnonzero(~blank)).max() < 150  # no hole where something should be


def test_the_report_fits_a_narrow_window(pair, opened):
    page = opened(pair.read_text(encoding='utf-8'), width=NARROW)
    assert page.answers['width'] == NARROW
    assert all(150 < drawn <= NARROW for _, _, drawn in page.answers['images'])


def test_a_page_that_needs_the_network_is_found_out(opened):
    page = opened('<html><head></head><body><img src="https://example.org/logo.png">'
                  '<script>console.error("broken")</script></body></html>', height=200)
    assert page.answers['requests'] == ['https://example.org/logo.png']
    assert page.answers['images'][0][1] == 0
    assert len(page.console) == 1 and 'broken' in page.console[0]
