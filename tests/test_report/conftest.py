"""Two trainings in miniature with everything that a report shows."""
import re
import shutil
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_training
import torch

from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.experiments.run import train_and_test
from mmseg_ssr.report import figures
from mmseg_ssr.report.write import write_report

CPU = torch.device('cpu')


@pytest.fixture(scope='session')
def runs(data, tmp_path_factory):
    """Work directories: SSR with all its parts, and source-only."""
    root = tmp_path_factory.mktemp('runs')
    sections = dict(ssr=tiny_training.ssr_config(data, 2),
                    source_only=tiny_training.method_config(data, 2, source_only=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmcv.runner.iter_based_runner.time',
                      SimpleNamespace(sleep=lambda seconds: None))
        for name, config in sections.items():
            config['log_config'] = dict(interval=1, hooks=[dict(type='ProgressLoggerHook')])
            config['evaluation'] = dict(interval=1, metric='mIoU')
            path = tiny_training.write_config(root / f'{name}.py', dict(config, name=name))
            train_and_test(load_config(path), str(root / name), CPU)
    return SimpleNamespace(ssr=root / 'ssr', source_only=root / 'source_only')


@pytest.fixture(scope='session')
def pair(runs, tmp_path_factory):
    """A page about both runs."""
    path = tmp_path_factory.mktemp('page') / 'pair.html'
    assert write_report([str(runs.ssr), str(runs.source_only)], str(path), CPU) == str(path)
    return path


@pytest.fixture
def copied(runs, tmp_path):
    """A copy of the SSR run that a test may damage."""
    return shutil.copytree(runs.ssr, tmp_path / 'copy', symlinks=True)


class Page(HTMLParser):
    """A page taken apart, with its faults: tags that are not closed, addresses outside.

    ``by_section`` has the addresses of the images of each section.
    """

    VOID = {'meta', 'img', 'br', 'wbr', 'link', 'input'}

    def __init__(self, path):
        super().__init__()
        self.text = path.read_text(encoding='utf-8')
        self.open, self.images, self.ids, self.links, self.faults = [], [], [], [], []
        self.by_section = {}
        self.feed(self.text)
        self.close()
        self.faults += [f'<{tag}> is not closed' for tag in self.open]

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ('script', 'iframe', 'link', 'object'):
            self.faults.append(f'<{tag}>')
        for key, value in attributes.items():
            if key in ('src', 'href') and not value.startswith(('data:', '#')):
                self.faults.append(f'{key}={value}')
        if tag == 'img':
            self.images.append(attributes['src'])
            self.by_section[self.ids[-1]].append(attributes['src'])
        if 'id' in attributes:
            self.ids.append(attributes['id'])
            self.by_section[attributes['id']] = []
        if tag == 'a':
            self.links.append(attributes['href'][1:])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f'</{tag}>')

    def cells(self, heading):
        """The rows of the table whose first heading this is."""
        table = re.search(rf'<thead><tr><th>{heading}</th>.*?</table>', self.text, re.S).group()
        return [re.findall(r'<td>(.*?)</td>', row) for row in re.findall(
            r'<tr>(<td>.*?)</tr>', table)]


@pytest.fixture
def no_drawing(monkeypatch):
    """Drawings take most of the time of a page; where they do not matter, it is one pixel."""
    pixel = figures.png(np.zeros((1, 1, 3), np.uint8))
    monkeypatch.setattr(figures, 'svg', lambda figure: pixel)


@pytest.fixture
def read_page():
    return Page
