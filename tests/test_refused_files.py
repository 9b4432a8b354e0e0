"""Whatever reads a file tells a missing permission as such, and waits on no named pipe."""
import contextlib
import os
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
from tiny_data import write_ids, write_image

from mmseg_ssr.commands.runs.jobs import check_file_option
from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.deploy.inputs import find_inputs, open_video
from mmseg_ssr.deploy.model_file import read_model
from mmseg_ssr.deploy.numbers import read_numbers
from mmseg_ssr.doctor.dataset import examine_dataset
from mmseg_ssr.doctor.weights import _examine
from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.logging.history import read_history
from mmseg_ssr.engine.testing.label_shift import read_priors
from mmseg_ssr.errors import UserError
from mmseg_ssr.labels.files import (
    check_label_kind,
    image_size,
    read_first_of_16_bit,
    read_label,
    read_values,
)
from mmseg_ssr.labels.image_list import _chosen
from mmseg_ssr.labels.statistics import STATISTICS, load_class_statistics
from mmseg_ssr.streets.writer import STAMP, _read_stamp
from mmseg_ssr.utils.paths import check_file
from mmseg_ssr.weights import read_weights
from mmseg_ssr.weights.download import _part_of
from mmseg_ssr.weights.sums import recorded_sum, sha256, sum_file


def examined(path):
    """The doctor reports, and does not raise."""
    line, (finding, ) = _examine(path, 'model.pretrained')
    raise UserError(f'{finding.found}: {finding.mend}')


def begun(path):
    with _part_of(path):
        pass


#: Name of a file -> what reads it.
READERS = {
    'w.pth': read_weights, 'w.safetensors': read_weights, 'c.pth': read_checkpoint,
    'm.pth': read_model, 'm.safetensors': read_model, 'config.py': load_config,
    'config.json': load_config, STATISTICS: lambda path: load_class_statistics(Path(path).parent),
    'a.png': read_label, 'b.png': read_values, 'c.png': check_label_kind, 'd.png': image_size,
    'e.png': read_first_of_16_bit, 'clip.mp4': lambda path: open_video(path).__enter__(),
    'result.json': lambda path: read_numbers(path, 'student'),
    'priors.json': lambda path: read_priors(path, 2),
    '1.log.json': lambda path: read_history(os.path.dirname(path)),
    'split.txt': lambda path: _chosen({}, path, 'images', ['.png']),
    STAMP: lambda path: _read_stamp(Path(path)), 'sum.bin': sha256,
    sum_file('x'): lambda path: recorded_sum(path[:-len(sum_file(''))]), 'x.part': lambda path:
    begun(path[:-len('.part')]), 'doctor.pth': examined,
    'option.pth': lambda path: check_file_option('--load-from', path)}


@contextlib.contextmanager
def unprivileged():
    """Be nobody: root may read everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture(autouse=True)
def impatient():
    """A reader that waits on a pipe fails."""
    def give_up(signum, frame):
        raise TimeoutError('it waits')

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def open_folder():
    """A folder that everybody may look into. pytest's are for their owner alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.parametrize('name', READERS)
def test_a_file_that_others_may_read(open_folder, name):
    path = open_folder / name
    path.write_bytes(b'x')
    path.chmod(0)
    refused = r'\(Permission denied\).*give yourself the permission'
    with pytest.raises(UserError, match=refused) as error:
        with unprivileged():
            READERS[name](str(path))
    assert 'damaged' not in str(error.value) and 'missing' not in str(error.value)


@pytest.mark.parametrize('name', READERS)
def test_a_named_pipe(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match='is a named pipe, expected a file') as error:
        READERS[name](str(tmp_path / name))
    assert name in str(error.value) or name == 'doctor.pth'


@pytest.fixture
def city(open_folder):
    """The config of a data set of one image and its label, each in a folder of its city."""
    for name, write in (('images/a/1.png', write_image), ('labels/a/1.png', write_ids)):
        (open_folder / name).parent.mkdir(parents=True)
        write(open_folder / name, *([np.zeros((8, 8), np.uint8)] if write is write_ids else []))
    for path in open_folder.rglob('*'):
        path.chmod(0o755)
    return dict(type='CustomDataset', data_root=str(open_folder), img_dir='images',
                ann_dir='labels', img_suffix='.png', classes=['x'], pipeline=[])


@pytest.mark.parametrize('mode', [0, 0o444])
@pytest.mark.parametrize('place', ['.', 'images', 'images/a', 'labels', 'labels/a'])
def test_a_folder_that_others_may_read(open_folder, city, place, mode):
    """Who may list a folder and not enter it sees names, and no file."""
    (open_folder / place).chmod(mode)
    if (place, mode) == ('images/a', 0o444):
        with unprivileged(), pytest.raises(UserError, match=r'\(Permission denied\)'):
            check_file(open_folder / 'images/a/1.png', 'image')
        return
    told = r'folder .* cannot be read \(Permission denied\).*u\+x for its folders'
    if (place, mode) == ('labels/a', 0o444):
        told = r'label .*1.png cannot be read \(Permission denied\)'
    with pytest.raises(UserError, match=told), unprivileged():
        image = build_dataset(city)
        check_file(f'{open_folder}/labels/{image.img_infos[0]["ann"]["seg_map"]}', 'label')
    report = examine(city)
    assert any('Permission denied' in finding.found for finding in report.findings)


@pytest.mark.parametrize('place', ['images', 'images/a', 'labels', 'labels/a/1.png'])
def test_a_link_that_is_broken(open_folder, city, place):
    (open_folder / place).rename(open_folder / 'moved')
    os.symlink('/unplugged', open_folder / place)
    told = f'{place}.* is a broken link to /unplugged: put that in place'
    with pytest.raises(UserError, match=told):
        build_dataset(city)
    assert any('is a broken link to /unplugged' in one.found for one in examine(city).findings)


def examine(config):
    with unprivileged():
        return examine_dataset('data.val', config)


@pytest.mark.parametrize('kind, words', [('pipe', 'a named pipe'), ('gone', 'missing')])
def test_inputs(tmp_path, kind, words):
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(UserError, match=f'input .*{kind} is {words}'):
        find_inputs([str(tmp_path / kind)], str(tmp_path / 'out'))
