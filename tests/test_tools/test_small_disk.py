"""Every command on a disk that is full: one line, no part of a file, and a second call goes on."""
import json
import os
import pickle
import shutil
import subprocess
import zipfile

import cv2
import numpy as np
import pytest
import tiny_training
from PIL import Image
from tiny_data import street, write_ids, write_image

from mmseg_ssr.deploy.inputs import open_video
from mmseg_ssr.engine.checkpoint.files import read_checkpoint

PAGE = 4096


class Disk:
    """A file system of its own, with a file that fills it.

    Args:
        folder: where it is mounted.
    """

    def __init__(self, folder):
        self.folder, self._filler = folder, folder / 'filler'

    def fill(self, leaving):
        """Let ``leaving`` bytes be free."""
        with open(self._filler, 'wb', buffering=0) as file:
            free = os.statvfs(self.folder)
            file.write(bytes(free.f_bavail * free.f_frsize - leaving))

    def empty(self):
        self._filler.unlink()

    def files(self):
        return [path for path in sorted(self.folder.rglob('*'))
                if path.is_file() and path != self._filler]


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / 'disk'
    folder.mkdir()
    if not shutil.which('mount') or subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', str(folder)],
            capture_output=True).returncode:
        pytest.skip('no file system can be mounted here')
    yield Disk(folder)
    subprocess.run(['umount', '-l', str(folder)], check=True)


def read_video(path):
    with open_video(str(path)) as video:
        assert list(video.images)


#: Ending -> a function that fails if a file is not whole.
READERS = {
    '.png': lambda path: Image.open(path).load(), '.json': lambda path: json.loads(
        path.read_text()), '.pkl': lambda path: pickle.loads(path.read_bytes()),
    '.zip': lambda path: zipfile.ZipFile(path).testzip(),
    '.pth': lambda path: read_checkpoint(str(path)), '.mp4': read_video}


@pytest.fixture
def goes_on(disk, fails, tool):
    """Runs a command on the full disk, then on the empty one."""

    def run(leaving, path, *arguments):
        disk.fill(leaving)
        line = fails(path, *arguments)
        assert 'No space left on device' in line or 'lack of space' in line, line
        assert 'make room' in line and str(disk.folder) in line, line
        assert '.part' not in line and 'work-dir' not in line, line
        assert not [path for path in disk.files() if '.part-' in path.name]
        for file in disk.files():
            READERS.get(file.suffix, lambda path: None)(file)
        disk.empty()
        tool(path).main([str(argument) for argument in arguments])
        return line

    return run


@pytest.fixture(scope='module')
def config(data, tmp_path_factory):
    return tiny_training.write_config(tmp_path_factory.mktemp('config') / 'config.py',
                                      tiny_training.method_config(data))


@pytest.mark.parametrize('leaving, processes', [(0, 1), (3 * PAGE, 1), (20 * PAGE, 2)])
def test_make_streets(disk, goes_on, leaving, processes):
    goes_on(leaving, 'make_streets', disk.folder / 'new', '--images', 20, '--val-images', 2,
            '--size', 64, 32, '--nproc', processes)
    assert len([path for path in disk.files() if path.suffix == '.png']) == 2 * 20 + 2 * (20 + 2)


@pytest.mark.parametrize('leaving', [0, 2 * PAGE])
def test_converters(disk, leaving, capsys, tool):
    convert = tool('convert').main
    root = disk.folder / 'gta'
    for i in range(6):
        write_image(root / 'images' / f'{i + 1:05d}.png', seed=i)
        write_ids(root / 'labels' / f'{i + 1:05d}.png', street(i), palette=True)
    disk.fill(leaving)
    with pytest.raises(SystemExit) as end:
        convert(['gta', str(root), '--nproc', '1'])
    line = capsys.readouterr().err.splitlines()[-1]
    assert end.value.code == 2 and line.startswith('error: ') and 'No space left' in line
    assert 'make room' in line and not list(root.rglob('*.part-*'))
    done = list(root.rglob('*_labelTrainIds.png'))
    assert len(done) == leaving // PAGE
    disk.empty()
    convert(['gta', str(root), '--nproc', '1'])
    assert f'{6 - len(done)} labels converted, {len(done)} were up to date' in \
        capsys.readouterr().out


@pytest.mark.parametrize('arguments', [
    ['--out', 'x.pkl'], ['--eval', 'mIoU', '--work-dir', 'scores'], ['--show-dir', 'shown'],
    ['--format-only', '--eval-options', 'imgfile_prefix=formatted'],
    ['--eval', 'mIoU', '--out', 'counts.pkl'],
])
def test_testing(disk, goes_on, untrained, config, monkeypatch, arguments):
    monkeypatch.chdir(disk.folder)
    paths = {'x.pkl', 'scores', 'shown', 'counts.pkl'}
    goes_on(0, 'test', config, untrained, *(
        disk.folder / one if one in paths else
        one.replace('=', f'={disk.folder}/') for one in arguments))
    assert disk.files()


def test_packing(disk, goes_on, untrained, config, tmp_path):
    goes_on(0, 'test', config, untrained, '--format-only', '--zip', disk.folder / 'x.zip',
            '--eval-options', f'imgfile_prefix={tmp_path}/formatted')
    assert [path.name for path in disk.files()] == ['x.zip']


@pytest.mark.parametrize('kind', ['overlay', 'label', 'confidence'])
def test_predicting_images(disk, goes_on, untrained, data, kind):
    goes_on(PAGE, 'predict', untrained, data / 'cityscapes/leftImg8bit/val', '--out',
            disk.folder / 'out', '--save', kind, '--device', 'cpu')
    assert len(disk.files()) == 4


@pytest.mark.parametrize('leaving', [0, PAGE, 12 * PAGE])
def test_predicting_a_video(disk, goes_on, untrained, tmp_path, leaving):
    """OpenCV does not say that it could not write."""
    writer = cv2.VideoWriter(str(tmp_path / 'clip.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10,
                             (320, 240))
    random = np.random.default_rng(0)
    for _ in range(6):
        writer.write(random.integers(0, 256, (240, 320, 3), np.uint8))
    writer.release()
    goes_on(leaving, 'predict', untrained, tmp_path / 'clip.avi', '--out', disk.folder / 'out',
            '--save', 'overlay', '--device', 'cpu')
    assert [path.name for path in disk.files()] == ['legend.png', 'clip.mp4']


@pytest.mark.parametrize('name, leaving', [
    ('mmseg', 0), ('mmseg', 3 * PAGE), ('safetensors', 3 * PAGE), ('torchscript', 3 * PAGE),
    pytest.param('torch_export', 3 * PAGE, marks=pytest.mark.soak),
    pytest.param('onnx', 3 * PAGE, marks=pytest.mark.soak)])
def test_exporting(disk, goes_on, untrained, name, leaving):
    if name in ('safetensors', 'onnx'):
        pytest.importorskip(name)
    line = goes_on(leaving, 'export', untrained, '--out', disk.folder / 'out', '--formats', name)
    assert 'out/model.' in line and len(disk.files()) == 2


def test_reporting(disk, goes_on, tool, config, tmp_path):
    tool('scripts.train').main([config, '--work-dir', str(tmp_path / 'run'), '--no-validate',
                                '--device', 'cpu'])
    goes_on(0, 'report', tmp_path / 'run', '--out', disk.folder / 'x.html', '--images', 0)


def test_browsing(disk, goes_on, config):
    goes_on(PAGE, 'browse', config, '--out', disk.folder, '--iterations', 1, '--device', 'cpu')


@pytest.mark.parametrize('leaving', [0, PAGE, 2 * PAGE, 40 * PAGE])
def test_training(disk, fails, tool, config, leaving):
    """From the log, the config and the JSON log to the checkpoint."""
    run = disk.folder / 'run'
    disk.fill(leaving)
    line = fails('scripts.train', config, '--work-dir', run, '--no-validate', '--device', 'cpu')
    assert 'No space left on device' in line and 'make room' in line
    for file in disk.files():
        assert file.suffix in ('.log', '.json', '.py'), file
    disk.empty()
    tool('scripts.train').main([config, '--work-dir', str(run), '--no-validate', '--device', 'cpu',
                        '--resume-from', 'auto'])
    assert read_checkpoint(str(run / 'latest.pth'))['meta']['iter'] == 4
