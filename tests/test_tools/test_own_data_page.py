"""The commands of docs/own_data.md, one after the other, as they stand there."""
import re
import runpy
import shlex

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_training import ROOT

PAGE = (ROOT / 'docs' / 'own_data.md').read_text(encoding='utf-8')
COMMANDS = [line for block in re.findall(r'^```shell\n(.*?)^```', PAGE, re.M | re.S)
            for line in block.splitlines()]


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_page_can_be_followed(tmp_path, monkeypatch, capfd, one_thread):
    for name in ('configs', 'tools'):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) == 7
    printed = []
    for command in COMMANDS:
        python, script, *arguments = shlex.split(command)
        assert python == 'python'
        monkeypatch.setattr('sys.argv', [script, *arguments])
        runpy.run_path(script, run_name='__main__')
        printed.append(capfd.readouterr().out)
    made, checked, browsed, _, scored, _, _ = printed
    assert '20 source, 20 target and 4 validation images' in made
    assert 'data.train.source, FolderDataset: 20 images, 20 labels' in checked
    assert 'no problems' in checked and 'ground' in checked
    assert len(list((tmp_path / 'browse').glob('iter_*.png'))) == 2
    assert re.search(r'vehicle +[\d.]+ ', browsed)
    assert re.search(r'vehicle +\| +[\d.]+ ', scored)
    assert len(list((tmp_path / 'data/own/source').glob('*.json'))) == 3
    assert len(list((tmp_path / 'painted').rglob('*.jpg'))) == 4
    written = sorted((tmp_path / 'format_results').rglob('*.png'))
    assert len(written) == 20 and written[0].parent.name == 'monday'
    with Image.open(written[0]) as label:
        assert label.size == (256, 128) and set(np.unique(label)) <= set(range(7))
