"""Sizes that cannot be are refused when the config is read, with the key."""
import pytest
import tiny_training
from mmcv import Config

from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.errors import ConfigError

#: Path of a key in the config of SSR -> a value that it may have.
KEYS = {
    'model.backbone.num_heads': [1, 2, 5, 8], 'model.backbone.embed_dims': 8,
    'model.backbone.num_layers': [1, 1, 1, 1], 'model.backbone.patch_sizes': [7, 3, 3, 3],
    'model.backbone.sr_ratios': [8, 4, 2, 1], 'model.backbone.strides': [4, 2, 2, 2],
    'model.decode_head.channels': 8, 'model.decode_head.in_channels': [8, 16, 40, 64],
    'model.decode_head.num_classes': 19, 'model.decode_head.decoder_params.embed_dims': 8,
    'model.decode_head.decoder_params.fusion_cfg.dilations': (1, 3),
    'uda.regularizer.num_heads': [1, 2, 5, 8], 'uda.regularizer.encoder.input_size': 32,
    'uda.regularizer.encoder.encoder_args.num_heads': 2,
    'uda.regularizer.encoder.encoder_args.embed_dim': 12,
    'uda.regularizer.encoder.encoder_args.depth': 2,
    'uda.regularizer.encoder.encoder_args.patch_size': 16,
    'uda.regularizer.encoder.encoder_args.out_chans': 16,
    'uda.mask_generator.mask_block_size': 8,
    'data.train.source.pipeline.2.img_scale': (64, 32),
    'data.train.source.pipeline.3.crop_size': (32, 32),
    'data.train.source.pipeline.6.size': (32, 32),
    'data.test.pipeline.1.img_scale': (64, 32)}


def check(tmp_path, path, value):
    cfg = Config(tiny_training.ssr_config(tmp_path), filename=None)
    *parts, last = path.split('.')
    place = cfg
    for part in parts:
        place = place[int(part) if part.isdigit() else part]
    place[last] = value
    validate(cfg)


@pytest.mark.parametrize('key', KEYS)
def test_a_size_that_cannot_be(tmp_path, key):
    good = KEYS[key]
    check(tmp_path, key, good)
    for number in (0, -1, 1.5):
        bad = type(good)([*good[:-1], number]) if isinstance(good, (list, tuple)) else number
        with pytest.raises(ConfigError, match=rf'{key} must be .*got .*{number}') as error:
            check(tmp_path, key, bad)
        assert len(error.value.problems) == 1


@pytest.mark.parametrize('path, value', [
    ('uda.regularizer.encoder.encoder_args.window_size', 0),  # SAM attends everywhere then
    ('model.decode_head.in_index', [0, 1, 2, -1]), ('data.train.source.pipeline.6.size', None),
])
def test_zeros_and_negative_numbers_with_a_meaning(tmp_path, path, value):
    check(tmp_path, path, value)


@pytest.mark.parametrize('path, value, message', [
    ('uda.regularizer.encoder.encoder_args.window_size', -1, 'must be an integer of at least 0'),
    ('data.train.target.crop_pseudo_margins', [0, 0, -1, 0], 'must be four pixel counts >= 0'),
    ('data.train.target.crop_pseudo_margins', [.1, 0, 1., 0], 'must be four pixel counts >= 0'),
    ('data.train.target.crop_pseudo_margins', [.5, .5, 0, 0], 'must leave something of the image'),
    ('data.train.target.crop_pseudo_margins', [0, 0, .4, .7], 'must leave something of the image'),
    ('data.train.source.pipeline.2.ratio_range', (0., 2.), 'must be above 0, got 0.0'),
    ('model.backbone.num_heads', [1, True, 5, 8], 'must be an integer of at least 1, got True'),
])
def test_other_bounds(tmp_path, path, value, message):
    with pytest.raises(ConfigError, match=f'{path} {message}'):
        check(tmp_path, path, value)


def test_constructors_refuse_them_too(tiny_sam):
    from mmseg_ssr.models.mit import EfficientSelfAttention
    from mmseg_ssr.regularizer import FrozenSAMEncoder
    from mmseg_ssr.regularizer.cross_attention import CrossAttention
    for heads in (0, -2, 3):
        with pytest.raises(ValueError, match='num_heads must divide'):
            CrossAttention(8, heads)
        with pytest.raises(ConfigError, match='num_heads must divide'):
            EfficientSelfAttention(8, heads, 1)
    for size in (0, -16, 33):
        with pytest.raises(ConfigError, match='input_size of the SAM encoder must be a multiple'):
            FrozenSAMEncoder(**dict(tiny_sam, input_size=size))
