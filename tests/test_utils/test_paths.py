import json

import pytest
import tiny_data
from mmseg.datasets import CustomDataset
from mmseg.datasets.builder import DATASETS

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.source_statistics import _others
from mmseg_ssr.errors import DataError
from mmseg_ssr.utils.paths import leads_out


@pytest.mark.parametrize('name', ['a.png', 'city/a.png', './a.png', 'a/../b.png', '..a.png', 'a..',
                                  'train/..hidden/a.png'])
def test_names_that_stay(name):
    assert not leads_out(name)


@pytest.mark.parametrize('name', ['/etc/passwd', '../a.png', 'a/../../b.png', '..', '..\\a.png',
                                  'C:\\a.png', '\\\\host\\a.png', './../a.png'])
def test_names_that_lead_out(name):
    assert leads_out(name)


@pytest.fixture
def folder(tmp_path):
    """A data set that mmseg lists by a split file, and an image outside it."""
    tiny_data.write_image(tmp_path / 'data' / 'images' / 'a.png')
    tiny_data.write_image(tmp_path / 'secret.png')
    return tmp_path


@pytest.mark.parametrize('name', ['../../secret', '{}/secret'])
def test_a_split_file_names_images_of_the_data_set_alone(folder, name):
    (folder / 'data' / 'split.txt').write_text('a\n' + name.format(folder) + '\n')
    DATASETS.register_module(name='Split', module=CustomDataset, force=True)
    config = dict(type='Split', data_root=str(folder / 'data'), img_dir='images', split='split.txt',
                  img_suffix='.png', classes=['x'], pipeline=[], test_mode=True)
    with pytest.raises(DataError, match=f'split.txt names .*secret.png, which is not inside '
                                        f'{folder}/data/images'):
        build_dataset(config, need_labels=False)
    (folder / 'data' / 'split.txt').write_text('a\n')
    assert len(build_dataset(config, need_labels=False)) == 1


def test_class_statistics_do_not_look_outside(folder):
    records = [{'file': name, '0': 1} for name in (
        'images/a.png', '../secret.png', str(folder / 'secret.png'))]
    (folder / 'data' / 'sample_class_stats.json').write_text(json.dumps(records))
    assert list(_others(folder / 'data', [])) == ['images/a.png']
