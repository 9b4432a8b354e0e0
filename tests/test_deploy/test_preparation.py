import cv2
import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.pipelines import LoadImageFromFile
from PIL import Image
from torch import nn

from mmseg_ssr.deploy import preparation
from mmseg_ssr.deploy.preparation import Preparation
from mmseg_ssr.errors import ConfigError

CPU = torch.device('cpu')


@pytest.fixture
def cfg(data):
    return Config(tiny_training.method_config(data))  # images are resized to fit into 64 x 32


def prepared(cfg, height, width, scale=None, network=None):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    img, metas = Preparation(cfg, scale)(image, network or nn.Identity(), CPU)
    return image, img, metas


@pytest.mark.parametrize('size, scale, expected', [
    ((64, 128), None, (32, 64)),
    ((128, 64), None, (64, 32)),  # the long side may be upright
    ((100, 100), None, (32, 32)),
    ((50, 77), 'original', (50, 77)),
    ((64, 128), (96, 96), (48, 96)),
])
def test_images_fit_into_the_scale_with_their_aspect(cfg, size, scale, expected):
    image, (img, ), ((meta, ), ) = prepared(cfg, *size, scale)
    assert img.shape == (1, 3, *expected)
    assert meta['ori_shape'] == image.shape and meta['img_shape'][:2] == expected


def test_colors_are_normalized_in_their_order(cfg):
    image, (img, ), _ = prepared(cfg, 40, 50, 'original')
    mean, std = (torch.tensor(tiny_training.NORM[key]) for key in ('mean', 'std'))
    expected = (torch.from_numpy(image).float() - mean) / std
    torch.testing.assert_close(img[0].permute(1, 2, 0), expected)


@pytest.mark.parametrize('context_scale, smallest', [(1, 32), (0.5, 64)])
def test_what_is_too_small_for_a_backbone_is_padded(cfg, context_scale, smallest):
    network = nn.Identity()
    network.context_scale = context_scale
    _, (img, ), ((meta, ), ) = prepared(cfg, 5, 300, network=network)
    assert img.shape == (1, 3, smallest, 64) and meta['img_shape'][:2] == (1, 64)
    assert not img[:, :, 1:].any()


def test_a_pipeline_of_single_images(cfg):
    cfg.data.test.pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                              *cfg.data.test.pipeline[1].transforms]
    cfg.data.test.pipeline[2:4] = [dict(type='Resize', img_scale=(64, 32)),
                                   dict(type='RandomFlip', prob=0.)]
    _, (img, ), _ = prepared(cfg, 64, 128)
    assert img.shape == (1, 3, 32, 64)


def test_predictions_have_the_size_of_the_image_whatever_is_scored(cfg):
    """A test that resizes images for its score resizes them for the network alone here."""
    load, test = cfg.data.test.pipeline
    test.transforms[0] = dict(type='AntialiasedResize')
    test.img_scale = (4096, 32)
    cfg.data.test.pipeline = [load, dict(type='ResizeForScore', img_scale=(4096, 32)), test]
    image, (img, ), ((meta, ), ) = prepared(cfg, 100, 150)
    assert img.shape == (1, 3, 32, 48) and meta['ori_shape'] == (100, 150, 3)
    (image, ), (img, ) = zip(*[prepared(cfg, 100, 150, 'original')[:2]])
    assert img[0].shape == (1, 3, 100, 150)


def test_where_the_pipeline_is_found(cfg):
    steps = cfg.data.test.pipeline
    wrapped = dict(type='ConcatDataset', datasets=[dict(type='X', pipeline=steps)])
    for found in (Config(dict(data=dict(val=cfg.data.val))), Config(dict(test_pipeline=steps)),
                  Config(dict(data=dict(test=[cfg.data.val]))),
                  Config(dict(data=dict(test=wrapped)))):
        assert preparation.test_pipeline(found) == steps
    with pytest.raises(ConfigError, match='no data.test with a pipeline'):
        preparation.test_pipeline(Config(dict(data=dict())))


@pytest.mark.parametrize('scale', ['large', (64, ), (64, 0), (64., 32.), 512, 1.5, {64, 32}])
def test_wrong_scale(cfg, scale):
    with pytest.raises(ConfigError, match="scale must be None, 'original' or"):
        Preparation(cfg, scale)


def test_a_step_that_fails_is_a_fault_of_the_config(cfg):
    cfg.data.test.pipeline[1].transforms.insert(0, dict(type='Normalize', mean='x', std='x'))
    with pytest.raises(ConfigError, match='data.test.pipeline cannot be'):
        prepared(cfg, 64, 128)


def test_what_the_network_was_tested_on(cfg):
    assert preparation.tested_size(cfg) == (32, 64)
    assert preparation.normalization(cfg) == tiny_training.NORM
    cfg.model.test_cfg = dict(mode='slide', crop_size=(48, 40), stride=(24, 20))
    assert preparation.tested_size(cfg) == (48, 40)
    cfg.model = dict(cfg.uda, model=cfg.model)  # as stock mmseg has a method
    assert preparation.tested_size(cfg) == (48, 40)
    cfg.data.test.pipeline[1].transforms = []
    with pytest.raises(ConfigError, match='no step Normalize'):
        preparation.normalization(cfg)


@pytest.fixture
def halved(monkeypatch, cfg):
    """The config with a user's own step that loads images at half their size."""

    class LoadHalved(LoadImageFromFile):
        def __call__(self, results):
            results = super().__call__(results)
            results['img'] = np.ascontiguousarray(results['img'][::2, ::2])
            results['ori_shape'] = results['img'].shape
            return results

    monkeypatch.setitem(PIPELINES.module_dict, 'LoadHalved', LoadHalved)
    cfg.data.test.pipeline[0] = dict(type='LoadHalved')
    return cfg


def test_files_are_loaded_by_the_users_own_step(halved, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    preparation = Preparation(halved)
    loaded = preparation.read(tmp_path / 'a.png')
    np.testing.assert_array_equal(loaded['img'], image[::2, ::2])
    _, ((meta, ), ) = preparation(loaded, nn.Identity(), CPU)
    assert meta['ori_shape'] == (20, 30, 3) and preparation.own_step == 'LoadHalved'


@pytest.mark.parametrize('options, shape', [
    (dict(), (60, 40, 3)), (dict(color_type='color_ignore_orientation'), (40, 60, 3)),
    (dict(color_type='grayscale'), (60, 40)), (dict(to_float32=True), (60, 40, 3))])
def test_files_and_images_in_memory_are_loaded_as_in_the_test(cfg, tmp_path, options, shape):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(np.full((40, 60, 3), (200, 40, 10), np.uint8))
    image.save(tmp_path / 'a.png', exif=exif)
    cfg.data.test.pipeline[0].update(options)
    preparation = Preparation(cfg)
    loaded = preparation.read(tmp_path / 'a.png')['img']
    assert loaded.shape == shape and preparation.own_step is None
    assert (loaded.dtype == np.float32) == ('to_float32' in options)
    again = preparation.loaded(np.asarray(image))['img']
    assert again.dtype == loaded.dtype and (again[0, 0] == loaded[0, 0]).all()
