import pytest
import timm
import torch
from mmseg.models.builder import BACKBONES
from torch.nn import functional as F

from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile

DINOV2 = dict(model='vit_small_patch14_dinov2',
              model_args=dict(depth=2, embed_dim=24, num_heads=2))
STAGES = dict(layers=(0, 1, 2, 3))
CONVNEXT = dict(model='convnext_atto', **STAGES,
                model_args=dict(depths=(1, 1, 1, 1), dims=(8, 12, 16, 24)))
HIERA = dict(model='sam2_hiera_tiny', **STAGES, model_args=dict(
    embed_dim=8, num_heads=1, stages=(1, 2, 3, 2), global_att_blocks=(4, )))


def build(**config):
    return BACKBONES.build(dict(type='FoundationBackbone', **config))


@pytest.mark.parametrize('config, channels', [
    (DINOV2, (24, )), (CONVNEXT, (8, 12, 16, 24)), (HIERA, (8, 16, 32, 64))])
@pytest.mark.parametrize('size', [(64, 64), (100, 45)])
def test_images_of_any_size_give_a_map_per_layer(config, channels, size):
    backbone = build(**config)
    maps = backbone(torch.randn(2, 3, *size))
    assert backbone.channels == channels == tuple(feature.shape[1] for feature in maps)
    strides = (14, ) if backbone.stride == 14 else (4, 8, 16, 32)
    whole = [round(side / backbone.stride) * backbone.stride for side in size]
    assert [feature.shape[2:] for feature in maps] == [
        tuple(side // stride for side in whole) for stride in strides]


def test_an_image_is_resized_to_whole_patches():
    backbone = build(**DINOV2).eval()
    img = torch.randn(1, 3, 64, 48)
    resized = F.interpolate(img, (70, 42), mode='bilinear', align_corners=False)
    assert torch.equal(backbone(img)[0], backbone(resized)[0])
    assert backbone(img)[0].shape[2:] == (5, 3)


def test_vfm_uda_sees_a_crop_of_1024_in_80_by_80_patches():
    backbone = build(**DINOV2, input_scale=1.1)
    backbone.timm_model.forward_intermediates = lambda img, **options: [img]
    assert backbone(torch.zeros(1, 3, 1024, 1024))[0].shape == (1, 3, 1120, 1120)


@pytest.mark.parametrize('config', [
    DINOV2, CONVNEXT, HIERA, dict(DINOV2, layers=(0, 1)), dict(DINOV2, norm=False)])
def test_every_weight_is_trained(config):
    backbone = build(**config, drop_path_rate=0.1).train()
    maps = backbone(torch.randn(1, 3, 64, 64))
    sum(feature.square().sum() for feature in maps).backward()
    assert [name for name, p in backbone.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('config, block', [(DINOV2, 'blocks.1'), (CONVNEXT, 'stages.1.blocks.0')])
def test_checkpointing_runs_blocks_twice_and_gives_the_same_gradients(config, block):
    plain, thrifty = build(**config), build(**config, with_cp=True)
    thrifty.load_state_dict(plain.state_dict())
    img, runs = torch.randn(1, 3, 64, 64), {}
    for backbone in (plain, thrifty):
        runs[backbone] = []
        backbone.timm_model.get_submodule(block).register_forward_pre_hook(
            lambda *args, calls=runs[backbone]: calls.append(1))
        sum(feature.square().sum() for feature in backbone.train()(img)).backward()
    assert [len(calls) for calls in runs.values()] == [1, 2]
    for one, other in zip(plain.parameters(), thrifty.parameters()):
        torch.testing.assert_close(one.grad, other.grad)


def test_pretrained_weights_are_read_when_asked_for(tmp_path):
    published = timm.create_model(DINOV2['model'], **DINOV2['model_args'])
    file = str(tmp_path / 'dinov2.pth')
    torch.save(published.state_dict(), file)
    for key in (dict(pretrained=file), dict(init_cfg=dict(type='Pretrained', checkpoint=file))):
        backbone = build(**DINOV2, **key)
        weight = backbone.timm_model.blocks[0].attn.qkv.weight
        assert not torch.equal(weight, published.blocks[0].attn.qkv.weight)
        backbone.init_weights()
        assert torch.equal(weight, published.blocks[0].attn.qkv.weight)


def test_wrong_weights_are_errors(tmp_path):
    file = str(tmp_path / 'other.pth')
    torch.save(timm.create_model('test_vit').state_dict(), file)
    with pytest.raises(CheckpointError, match='other.pth does not hold the weights'):
        build(**DINOV2, pretrained=file).init_weights()
    with pytest.raises(MissingFile, match='no.pth is missing'):
        build(**DINOV2, pretrained='no.pth').init_weights()


def test_wrong_values_are_errors():
    with pytest.raises(ConfigError, match='pretrained or init_cfg'):
        build(**DINOV2, pretrained='a.pth', init_cfg=dict(checkpoint='a.pth'))
    with pytest.raises(ConfigError, match='hiera_tiny_224 takes images of one size only'):
        build(model='hiera_tiny_224', **STAGES, model_args=dict(
            embed_dim=8, num_heads=1, stages=(1, 1, 1, 1)))
    with pytest.raises(ConfigError, match='did you mean'):
        build(model='vit_smal_patch14_dinov2')
