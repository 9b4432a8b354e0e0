import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.regularizer import FrozenSAMEncoder, FrozenTimmEncoder
from mmseg_ssr.regularizer.sam_network import build_image_encoder

VIT = dict(model_args=dict(depth=2, embed_dim=24, num_heads=2))
SAM = dict(depth=2, embed_dim=24, num_heads=2, window_size=3)
CONVNEXT = dict(model_args=dict(depths=(1, 1, 1, 1), dims=(8, 12, 16, 24)))
HIERA = dict(model_args=dict(embed_dim=8, num_heads=1, stages=(1, 2, 3, 2),
                             global_att_blocks=(4, )))


def encoder(model, **options):
    return FrozenTimmEncoder(model, **dict(dict(checkpoint=None), **options))


@pytest.mark.parametrize('model, options, channels, size', [
    ('vit_small_patch14_dinov2', VIT, 24, (4, 4)),
    ('vit_small_patch14_reg4_dinov2', VIT, 24, (4, 4)),
    ('vit_small_patch16_dinov3', VIT, 24, (4, 4)),
    ('samvit_base_patch16', dict(model_args=dict(SAM, global_attn_indexes=[1])), 256, (4, 4)),
    ('sam2_hiera_tiny', HIERA, 64, (2, 2)),
    ('convnext_atto', CONVNEXT, 24, (2, 2)),
    ('resnet10t', {}, 512, (2, 2)),
])
def test_every_family_gives_one_map(model, options, channels, size):
    input_size = 56 if 'patch14' in model else 64
    timm = encoder(model, input_size=input_size, **options)
    assert timm.out_channels == channels
    feature = timm(torch.randn(2, 3, 40, 60))
    assert feature.shape == (2, channels, *size)
    # Normalized over channels, whatever the family: the attention is not saturated.
    rms = feature.square().mean(1).sqrt()
    torch.testing.assert_close(rms, torch.ones_like(rms), rtol=0.02, atol=0.02)


def test_it_is_frozen_and_never_saved():
    timm = encoder('test_vit', input_size=32)
    timm.train()
    assert not list(timm.parameters()) and not timm.state_dict()
    assert not any(module.training for module in timm.network.modules())
    assert not timm(torch.randn(1, 3, 32, 32, requires_grad=True)).requires_grad
    moved = timm.to(torch.float64)
    assert moved.scale.dtype == torch.float64
    assert next(moved.network.parameters()).dtype == torch.float64


def test_the_image_gets_the_normalization_of_the_weights():
    timm = encoder('test_vit', input_size=32)  # trained with mean and std 0.5
    img = torch.rand(1, 3, 32, 32) * 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (
        (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))
    (expected, ) = timm.network((img / 255 - 0.5) / 0.5)
    torch.testing.assert_close(timm((img - mean) / std), expected, rtol=1e-5, atol=1e-5)

    other = encoder('test_vit', input_size=32, mean=[0, 0, 0], std=[255, 255, 255])
    (expected, ) = other.network((img / 255 - 0.5) / 0.5)
    torch.testing.assert_close(other(img / 255), expected, rtol=1e-5, atol=1e-5)


def test_weights_of_imagenets_normalization_see_the_image_as_it_is():
    timm = encoder('vit_small_patch14_dinov2', input_size=28, **VIT)
    img = torch.randn(1, 3, 28, 28)
    torch.testing.assert_close(timm(img), timm.network(img)[0], rtol=1e-6, atol=1e-6)


def test_several_layers_are_concatenated_at_the_size_of_the_last():
    timm = encoder('convnext_atto', input_size=(64, 96), layers=(1, -1), **CONVNEXT)
    img = torch.randn(2, 3, 64, 96)
    middle, last = timm.network(img)
    feature = timm(img)
    assert timm.out_channels == 12 + 24 and feature.shape == (2, 36, 2, 3)
    torch.testing.assert_close(feature[:, :12], F.avg_pool2d(middle, 4))
    torch.testing.assert_close(feature[:, 12:], last)


def test_layers_of_a_vit_and_raw_maps():
    both, last, raw = (encoder('test_vit', input_size=32, layers=layers, norm=norm)
                       for layers, norm in (((2, -1), True), ((-1, ), True), ((2, ), False)))
    for other in (last, raw):
        other.network.load_state_dict(both.network.state_dict(), strict=False)
    img = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(both(img)[:, 64:], last(img))
    raw_map = raw.network(img * raw.scale + raw.shift)[0]
    assert len(raw.network.timm_model.blocks) == 3  # what lies behind is removed
    torch.testing.assert_close(raw(img), raw_map)
    assert not torch.allclose(raw(img), both(img)[:, :64])


def test_the_input_size_is_the_published_one_unless_given():
    assert encoder('test_vit').input_size == (160, 160)
    assert encoder('vit_small_patch14_dinov2', **VIT).input_size == (518, 518)
    assert encoder('test_vit', input_size=(32, 64))(torch.randn(1, 3, 9, 9)).shape[2:] == (2, 4)


@pytest.fixture
def sam_file(tmp_path):
    """Weights of a small SAM as published, position tables not zero."""
    network = build_image_encoder('vit_b', 64, dict(SAM, global_attn_indexes=[1]))
    for name, parameter in network.named_parameters():
        if 'pos' in name:
            nn.init.normal_(parameter)
    path = tmp_path / 'sam_vit_b_01ec64.pth'
    torch.save({**{f'image_encoder.{k}': v for k, v in network.state_dict().items()},
                'mask_decoder.x': torch.zeros(1)}, path)
    return str(path)


def test_timms_sam_gives_the_maps_of_segment_anything(sam_file):
    published = FrozenSAMEncoder(checkpoint=sam_file, input_size=64,
                                 encoder_args=dict(SAM, global_attn_indexes=[1]))
    timm = encoder('samvit_base_patch16.sa1b', checkpoint=sam_file, input_size=64,
                   model_args=dict(SAM, global_attn_indexes=[1], img_size=64))
    img = torch.randn(2, 3, 40, 56)
    assert published(img).std() > 0.1
    torch.testing.assert_close(timm(img), published(img), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('options, message', [
    (dict(input_size=40), r'images of 40 x 40: .* divisible by patch size \(16\)'),
    (dict(layers=(-1, 0)), r'layers must be some of 0 to 5 .* ascending order, got \[-1, 0\]'),
    (dict(layers=()), r'layers must be some of .* got \[\]'),
    (dict(layers=(6, )), 'layers must be some of'),
])
def test_bad_values(options, message):
    with pytest.raises(ConfigError, match=message):
        encoder('test_vit', **options)


def test_an_input_size_that_a_stride_would_cut():
    with pytest.raises(ConfigError, match='convnext_atto must be a multiple of 32, got 40'):
        encoder('convnext_atto', input_size=40, **CONVNEXT)


def test_random_weights_only_when_asked_for():
    with pytest.raises(TypeError, match='checkpoint'):
        FrozenTimmEncoder('test_vit')
