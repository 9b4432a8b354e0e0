"""The commands of docs/get_started.md, one after the other, as they stand there."""
import re

import pytest
from tiny_training import ROOT

PAGE = 'docs/get_started.md'


@pytest.mark.slow
def test_the_page_can_be_followed(follow, tmp_path):
    made, _, _, checked, _, scored, _ = follow(PAGE)
    assert '8 source, 8 target and 2 validation images' in made
    assert 'nothing is wrong, 4 warnings' in checked
    assert re.search(r'road +\| +[\d.]+ ', scored)
    files = {path.name for path in (tmp_path / 'work_dirs/first').iterdir()}
    assert {'latest.pth', 'iter_5.pth', 'config.py', 'result.json', 'report.html',
            'tf_logs'} <= files
    assert any(name.endswith('.log.json') for name in files)
    assert len(list((tmp_path / 'predictions/label').rglob('*.png'))) == 2
    values = {}
    exec(python_block(), values)
    assert values['prediction'].label.shape == (128, 256)
    assert values['prediction'].overlay(0.5).shape == (128, 256, 3)


def python_block() -> str:
    text = (ROOT / PAGE).read_text(encoding='utf-8')
    return re.search(r'^```python\n(.*?)^```', text, re.M | re.S).group(1)
