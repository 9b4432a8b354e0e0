import copy

import pytest
import tiny_training
from mmcv import Config

from mmseg_ssr.engine.build import build_test_dataset, build_test_model
from mmseg_ssr.engine.testing.evaluate import run_test
from mmseg_ssr.engine.testing.options import (
    set_aug_test,
    set_inference_mode,
    set_inference_options,
    set_test_split,
)
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')


@pytest.fixture
def cfg(data, config):
    return config(tiny_training.ssr_config(data))


def test_inference_modes(cfg):
    set_inference_mode(cfg, 'same')
    assert cfg.model.test_cfg.mode == 'whole'
    with pytest.raises(ConfigError, match='slide needs the size of the windows'):
        set_inference_mode(copy.deepcopy(cfg), 'slide')
    for odd in (dict(crop_size=512), dict(data=dict()), dict(data=dict(train=[cfg.data.train]))):
        other = Config(dict(dict(model=copy.deepcopy(cfg.model)), **odd))
        with pytest.raises(ConfigError, match='slide needs the size of the windows'):
            set_inference_mode(other, 'slide')
    cfg.crop_size = (32, 32)
    set_inference_mode(cfg, 'slide')
    assert cfg.model.test_cfg.mode == 'slide'
    assert cfg.model.test_cfg.crop_size == (32, 32) and cfg.model.test_cfg.stride == (16, 16)
    run_test(build_test_model(cfg), build_test_dataset(cfg), CPU)
    set_inference_mode(cfg, 'whole')
    assert cfg.model.test_cfg.mode == 'whole'


def test_options_go_where_the_segmentor_reads_them(cfg):
    old = copy.deepcopy(cfg)
    old.test_cfg = old.model.pop('test_cfg')
    method = copy.deepcopy(cfg)
    method.model = dict(cfg.uda, model=cfg.model)
    for config in (cfg, old, method):
        set_inference_options(config)
        assert build_test_model(config).test_cfg == dict(mode='whole')
        set_inference_options(config, amp='float16')
        assert build_test_model(config).test_cfg == dict(mode='whole', amp=dict(dtype='float16'))


def test_augmented_testing(cfg):
    set_aug_test(cfg)
    batch = build_test_dataset(cfg)[0]
    assert len(batch['img']) == 12  # six scales, with and without flip
    cfg.data.test.pipeline = [dict(type='LoadImageFromFile')]
    with pytest.raises(ConfigError, match='MultiScaleFlipAug'):
        set_aug_test(cfg)


def test_the_test_split(cfg):
    cfg.data.test.data_root = 'evaluation/data'
    set_test_split(cfg)
    assert cfg.data.test.img_dir == 'leftImg8bit/test' and cfg.data.test.ann_dir == 'gtFine/test'
    assert cfg.data.test.data_root == 'evaluation/data'


@pytest.mark.parametrize('folder, expected', [
    ('valley/val', 'valley/test'), ('rgb/val_day', 'rgb/test_day'), ('images/Test', 'images/Test')])
def test_the_name_val_alone_is_replaced(cfg, folder, expected):
    cfg.data.test.img_dir = folder
    set_test_split(cfg)
    assert cfg.data.test.img_dir == expected


def test_a_config_without_a_test_split(cfg):
    cfg.data.test.update(img_dir='images/validation', ann_dir='labels/validation')
    with pytest.raises(ConfigError, match='--test-set replaces the name val'):
        set_test_split(cfg)
