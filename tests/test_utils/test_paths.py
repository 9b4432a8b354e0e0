import json
import os

import pytest
import tiny_data
from mmseg.datasets import CustomDataset
from mmseg.datasets.builder import DATASETS

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.deploy.numbers import read_numbers
from mmseg_ssr.domains.source_counts import _others
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.logging.history import read_history
from mmseg_ssr.engine.testing.label_shift import read_priors
from mmseg_ssr.errors import CheckpointError, DataError, MissingFile, RefusedFile
from mmseg_ssr.labels.statistics import load_class_statistics
from mmseg_ssr.utils.paths import check_file, is_folder, leads_out, read_text
from mmseg_ssr.weights import read_weights


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


READERS = {
    'a.py': load_config, 'a.json': read_numbers, 'priors.json': lambda path: read_priors(path, 2),
    'a.log.json': lambda path: read_history(os.path.dirname(path)),
    'sample_class_stats.json': lambda path: load_class_statistics(os.path.dirname(path)),
    'a.txt': lambda path: read_text(path, 'text')}


@pytest.mark.parametrize('name', READERS)
def test_a_named_pipe_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=f'{name} is a named pipe, expected a file: take it away'):
        READERS[name](str(tmp_path / name))


@pytest.mark.parametrize('make', [os.mkfifo, os.mkdir])
def test_weights_that_are_no_file_are_no_missing_ones(tmp_path, make):
    make(tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='a.pth is a .*, expected a file'):
        read_weights(str(tmp_path / 'a.pth'))


def test_a_split_that_is_a_pipe_is_refused_for_data_sets_of_mmseg(folder):
    os.mkfifo(folder / 'data' / 'split.txt')
    config = dict(type='CustomDataset', data_root=str(folder / 'data'), img_dir='images',
                  split='split.txt', img_suffix='.png', classes=['x'], pipeline=[])
    with pytest.raises(DataError, match='split .*split.txt is a named pipe'):
        build_dataset(config, need_labels=False)


@pytest.mark.parametrize('name, told', [
    ('broken', 'image {0}/broken is a broken link to {0}/nowhere: put that in place'),
    ('chain', 'image {0}/chain is a broken link to {0}/nowhere: '),
    ('folder/a.png', 'image {0}/folder/a.png is in {0}/folder, which is a broken link to /gone: ')])
def test_a_broken_link_is_not_missing(tmp_path, name, told):
    for link, target in (('broken', 'nowhere'), ('chain', 'broken'), ('folder', '/gone')):
        os.symlink(target, tmp_path / link)
    for check in (check_file, is_folder):
        with pytest.raises(RefusedFile) as error:
            check(tmp_path / name, 'image')
        assert told.format(tmp_path) in str(error.value)


def test_folders_and_what_is_none(tmp_path):
    (tmp_path / 'a').touch()
    os.symlink('.', tmp_path / 'link')
    os.symlink('loop', tmp_path / 'loop')
    assert is_folder(tmp_path) and is_folder(tmp_path / 'link')
    assert not any(is_folder(tmp_path / name) for name in ('a', 'b', 'a/b', 'b/c'))
    with pytest.raises(RefusedFile, match='loop cannot be read .*circle'):
        is_folder(tmp_path / 'loop')


def test_files_and_what_is_none(tmp_path):
    (tmp_path / 'a').write_text('x')
    os.symlink('a', tmp_path / 'link')
    check_file(tmp_path / 'link', 'image')
    for name in ('b', 'a/b'):
        with pytest.raises(MissingFile, match=f'image .*{name} is missing: fetch it'):
            check_file(tmp_path / name, 'image', 'fetch it')
    with pytest.raises(DataError, match='image /dev/null is a device'):
        check_file('/dev/null', 'image')
