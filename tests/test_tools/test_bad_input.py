"""Contract C6: what a user can get wrong ends in one clear line, and nothing is lost."""
import shutil

import cv2
import numpy as np
import pytest
import tiny_training
import torch

from mmseg_ssr.engine.training.train import train
from mmseg_ssr.utils.device import pick_device

TRAIN, TEST = 'scripts.run_experiments', 'test'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def own_data(data, tmp_path):
    """A copy of the data that may be damaged."""
    shutil.copytree(data, tmp_path / 'data')
    return tmp_path / 'data'


@pytest.fixture
def source(own_data):
    """The source's (images, converted labels)."""
    images = sorted((own_data / 'gta' / 'images').glob('*.png'))
    return images, [own_data / 'gta' / 'labels' / f'{image.stem}_labelTrainIds.png'
                    for image in images]


@pytest.fixture
def trains(own_data, config_file, fails):
    """Trains on the damaged data for long enough to see every image; returns the error."""

    def run(sections=None, *options):
        sections = sections or tiny_training.supervised_config(own_data, 12)
        return fails(TRAIN, '--config', config_file(sections), '--work-dir', 'run', *options)

    return run


def test_missing_data_folder(own_data, trains):
    shutil.rmtree(own_data / 'gta' / 'images')
    error = trains()
    assert 'gta/images' in error and 'is missing' in error
    assert 'https://download.visinf.tu-darmstadt.de/data/from_games' in error


@pytest.mark.parametrize('make, message', [
    (lambda path: None, 'weights file .*mit_b5.pth .*is missing: fetch it with `mmseg-ssr '
                        'weights mit_b5 .*, it is published at'),
    (lambda path: path.write_bytes(b'PK half a file'), 'mit_b5.pth cannot be read, it may be '
                                                       'truncated'),
    (lambda path: torch.save({'x': torch.ones(1)}, path), 'mit_b5.pth'),
])
def test_missing_truncated_or_foreign_weights(own_data, trains, tmp_path, make, message):
    import re
    make(tmp_path / 'mit_b5.pth')
    sections = tiny_training.method_config(own_data, 2)
    sections['model'].update(pretrained=str(tmp_path / 'mit_b5.pth'), backbone=dict(type='mit_b0'))
    sections['model']['decode_head']['in_channels'] = [32, 64, 160, 256]
    assert re.search(message, trains(sections))


@pytest.mark.parametrize('make, message', [
    (lambda path: None, 'sam_vit_b_01ec64.pth .*is missing.*https://dl.fbaipublicfiles.com'),
    (lambda path: path.write_bytes(b'PK half a file'), 'cannot be read, it may be truncated'),
])
def test_missing_or_truncated_sam(own_data, trains, tmp_path, make, message):
    import re
    file = tmp_path / 'sam_vit_b_01ec64.pth'
    make(file)
    sections = tiny_training.method_config(
        own_data, 2, type='SSR', sam_model_registry='vit_b', sam_checkpoint=str(file))
    assert re.search(message, trains(sections))


@pytest.fixture
def checkpoint(own_data, config_file):
    """(config, checkpoint) of a finished training."""
    from mmseg_ssr.engine.config.load import load_config
    config = config_file(tiny_training.method_config(own_data, 1, source_only=True), 'done.py')
    return config, train(load_config(config), 'done', pick_device('cpu'), evaluate=False)


def test_missing_checkpoint(checkpoint, fails):
    config, _ = checkpoint
    assert 'checkpoint nowhere.pth is missing' in fails(TEST, config, 'nowhere.pth', '--eval',
                                                        'mIoU')


def test_truncated_checkpoint(checkpoint, fails):
    config, path = checkpoint
    with open(path, 'r+b') as file:
        file.truncate(4000)
    for command in ([TEST, config, path, '--eval', 'mIoU'],
                    [TRAIN, '--config', config, '--work-dir', 'x', '--load-from', path],
                    [TRAIN, '--config', config, '--work-dir', 'x', '--resume-from', path]):
        error = fails(*command)
        assert 'iter_1.pth' in error and 'cannot be read' in error


def test_checkpoint_of_another_model(checkpoint, own_data, config_file, fails):
    _, path = checkpoint
    sections = tiny_training.method_config(own_data, 2)
    sections['model']['decode_head']['channels'] = 16
    config = config_file(sections, 'other.py')
    for command in ([TEST, config, path, '--eval', 'mIoU'],
                    [TRAIN, '--config', config, '--work-dir', 'x', '--load-from', path],
                    [TRAIN, '--config', config, '--work-dir', 'x', '--resume-from', path]):
        assert 'does not fit the model of this config' in fails(*command)


@pytest.mark.parametrize('workers', [0, 2])
def test_an_image_that_does_not_decode(own_data, source, trains, workers):
    source[0][2].write_bytes(source[0][2].read_bytes()[:60])
    sections = tiny_training.supervised_config(own_data, 12)
    sections['data']['workers_per_gpu'] = workers
    error = trains(sections)
    assert source[0][2].name in error and 'does not decode' in error


def test_image_and_label_of_different_size(source, trains):
    cv2.imwrite(str(source[0][1]), np.zeros((20, 30, 3), np.uint8))
    error = trains()
    assert source[1][1].name in error and '64 x 32' in error and '30 x 20' in error


def test_label_ids_out_of_range(source, trains):
    label = cv2.imread(str(source[1][3]), cv2.IMREAD_UNCHANGED)
    label[0, 0] = 40
    cv2.imwrite(str(source[1][3]), label)
    error = trains()
    assert source[1][3].name in error and '40' in error


def test_labels_that_are_all_ignore(own_data, data, config_file, fails):
    """One such label is a warning; a data set of them, as a wrong conversion makes it, an error."""
    from mmseg_ssr.domains.label_check import ENOUGH_LABELS
    root = own_data / 'gta'
    image = (root / 'images' / '00001.png').read_bytes()
    for i in range(1, ENOUGH_LABELS + 5):
        (root / 'images' / f'{i:05d}.png').write_bytes(image)
        cv2.imwrite(str(root / 'labels' / f'{i:05d}_labelTrainIds.png'),
                    np.full((32, 64), 255, np.uint8))
    config = config_file(tiny_training.supervised_config(own_data, 30))
    error = fails(TRAIN, '--config', config, '--work-dir', 'run')
    assert 'ignore' in error and '_labelTrainIds.png' in error


def test_a_misspelled_key(own_data, trains):
    sections = tiny_training.method_config(own_data, 2)
    sections['uda']['aplha'] = 0.9
    assert "config.py: unknown key uda.aplha, did you mean 'alpha'?" in trains(sections)


def test_four_faults_are_four_lines(own_data, config_file, fails):
    sections = tiny_training.method_config(own_data, 2)
    sections['uda']['aplha'] = 0.9
    sections['model']['decode_head']['num_classes'] = 16
    sections['data']['worker_per_gpu'] = 1
    sections['runner']['max_iters'] = 'many'
    errors = fails(TRAIN, '--config', config_file(sections), '--work-dir', 'run', faults=4)
    for key, line in zip(('uda.aplha', 'data.worker_per_gpu', 'runner.max_iters',
                          'model.decode_head.num_classes'), errors.splitlines()):
        assert line.startswith('error: ') and key in line


def test_a_class_set_that_does_not_fit_the_head(own_data, trains):
    sections = tiny_training.method_config(own_data, 2)
    sections['model']['decode_head']['num_classes'] = 16
    error = trains(sections)
    assert 'model.decode_head.num_classes is 16' in error and 'has 19 classes' in error


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_no_gpu_where_one_is_asked_for(trains):
    assert '--device cuda: there is no such device here' in trains(None, '--device', 'cuda')


def test_what_was_written_before_the_fault_stays(own_data, source, config_file, tool, fails):
    """A run that meets a damaged image keeps its checkpoints and goes on when it is mended."""
    config = config_file(tiny_training.supervised_config(own_data, 20))
    good = source[0][2].read_bytes()
    tool(TRAIN).main(['--config', config, '--work-dir', 'run', '--cfg-options',
                      'runner.max_iters=4'])
    source[0][2].write_bytes(b'damaged')
    fails(TRAIN, '--config', config, '--work-dir', 'run', '--resume-from', 'run/iter_4.pth')
    source[0][2].write_bytes(good)
    tool(TRAIN).main(['--config', config, '--work-dir', 'run', '--resume-from', 'run/iter_4.pth'])
    assert torch.load('run/latest.pth', weights_only=True)['meta']['iter'] == 20
