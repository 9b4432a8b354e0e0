"""Pictures of the views: what is on them, and that the training does not notice."""
import threading

import cv2
import numpy as np
import pytest
import tiny_training
import torch
from comparison import assert_same, without_times

from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.logging.view_pictures import SeenClasses
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')


def run(data, config, folder, interval, **uda):
    sections = tiny_training.ssr_config(data, 3)
    sections['uda'].update(debug_img_interval=interval, **uda)
    return read_checkpoint(train(config(sections), str(folder), CPU, deterministic=True,
                                 evaluate=False))


def run_source_only(data, config, folder, interval, **uda):
    sections = tiny_training.method_config(
        data, 3, **dict(dict(source_only=True, debug_img_interval=interval), **uda))
    train(config(sections), str(folder), CPU, evaluate=False)


def test_pictures_leave_the_training_as_it_is(data, config, tmp_path):
    without, with_pictures = (run(data, config, tmp_path / str(interval), interval, mask_alpha=0.9)
                              for interval in (0, 2))
    assert_same(*(without_times(content) for content in (without, with_pictures)))
    assert not (tmp_path / '0' / 'debug').exists()
    path, = (tmp_path / '2' / 'debug').iterdir()
    assert path.name == 'iter_2.png'
    picture = cv2.imread(str(path))
    # source 2 columns, target, mix and masked 3 each; two images a row below the captions
    assert picture.shape[1] == 11 * 256 + 10 * 4
    assert picture.shape[0] > 28 + 2 * 260


def test_they_are_drawn_on_another_thread(data, config, tmp_path, monkeypatch):
    threads = []
    monkeypatch.setattr('mmseg_ssr.engine.logging.view_pictures.write_picture',
                        lambda *args: threads.append(threading.current_thread().name))
    run_source_only(data, config, tmp_path, 1)
    assert len(threads) == 3 and all(name.startswith('debug panels') for name in threads)


def test_a_picture_that_cannot_be_written_is_logged(data, config, tmp_path):
    (tmp_path / 'debug').touch()  # a file where the folder should be
    run_source_only(data, config, tmp_path, 3)
    text = next(tmp_path.glob('2*.log')).read_text()
    assert 'debug/iter_3.png is not written' in text
    assert (tmp_path / 'iter_3.pth').exists()


@pytest.mark.parametrize('uda, columns', [
    ({}, 2),  # source image and label
    (dict(type='MinEnt', source_only=False, lambda_ent=0.001), 3),  # and target images
    (dict(source_only=False, lambda_ent=0.001), 8),  # target with pseudo-label, mixed view
])
def test_columns_are_the_views_of_the_method(data, config, tmp_path, uda, columns):
    run_source_only(data, config, tmp_path, 3, **uda)
    picture = cv2.imread(str(tmp_path / 'debug' / 'iter_3.png'))
    assert picture.shape[1] == columns * 256 + (columns - 1) * 4


@pytest.mark.parametrize('interval', [-1, 'often'])
def test_intervals_that_are_none(data, config, tmp_path, interval):
    cfg = config(tiny_training.method_config(data, 1, debug_img_interval=interval))
    with pytest.raises(ConfigError, match='uda.debug_img_interval must be'):
        validate(cfg)
        train(cfg, str(tmp_path), CPU, evaluate=False)


def test_shares_count_images():
    seen = SeenClasses()
    label = torch.full((2, 1, 8, 8), 255)
    label[0, :, :4] = 1
    seen.count(label)
    seen.count(torch.ones(2, 1, 8, 8, dtype=torch.int64))
    np.testing.assert_array_equal(next(iter(seen.shares(['a', 'b']).values())), [0, 0.75])
