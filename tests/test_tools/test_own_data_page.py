"""The commands of docs/own_data.md, one after the other, as they stand there."""
import re

import numpy as np
import pytest
from PIL import Image


@pytest.mark.slow
def test_the_page_can_be_followed(follow, tmp_path):
    made, checked, browsed, _, scored, _, _ = follow('docs/own_data.md')
    assert '20 source, 20 target and 4 validation images' in made
    assert 'data.train.source, FolderDataset: 20 images, 20 labels' in checked
    assert 'nothing is wrong' in checked and 'ground' in checked
    assert len(list((tmp_path / 'browse').glob('iter_*.png'))) == 2
    assert re.search(r'vehicle +[\d.]+ ', browsed)
    assert re.search(r'vehicle +\| +[\d.]+ ', scored)
    assert len(list((tmp_path / 'data/own/source').glob('*.json'))) == 3
    assert len(list((tmp_path / 'painted').rglob('*.jpg'))) == 4
    written = sorted((tmp_path / 'format_results').rglob('*.png'))
    assert len(written) == 20 and written[0].parent.name == 'monday'
    with Image.open(written[0]) as label:
        assert label.size == (256, 128) and set(np.unique(label)) <= set(range(7))
