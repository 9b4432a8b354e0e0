import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config
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
