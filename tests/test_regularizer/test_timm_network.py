import pytest
import timm
import torch

from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile
from mmseg_ssr.regularizer.timm_network import TimmMaps, map_shapes, published_settings

DINOV2 = dict(depth=2, embed_dim=24, num_heads=2)


def maps(model, checkpoint=None, layers=(-1, ), norm=True, img_size=(56, 56), **model_args):
    return TimmMaps(model, checkpoint, layers, norm, img_size, model_args)


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_published_weights_are_read(tmp_path, suffix):
    network = timm.create_model('vit_small_patch14_dinov2', **DINOV2)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    state, file = network.state_dict(), str(tmp_path / f'dinov2{suffix}')
    if suffix == '.pth':
        # As DINOv2 publishes it: a token more, which timm has not.
        torch.save({**state, 'mask_token': torch.zeros(1, 24)}, file)
    else:
        from safetensors.torch import save_file
        save_file(state, file)
    loaded = maps('vit_small_patch14_dinov2.lvd142m', file, **DINOV2)
    for name, value in loaded.timm_model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_a_published_classifier_is_read_and_dropped(tmp_path):
    network = timm.create_model('test_convnext')
    file = str(tmp_path / 'convnext.pth')
    torch.save(network.state_dict(), file)
    loaded = maps('test_convnext', file, layers=(0, 1, 2, 3), img_size=(64, 64))
    assert not [name for name in loaded.state_dict() if 'head' in name]
    stem = dict(network.named_parameters())['stem.0.weight']
    assert torch.equal(loaded.timm_model.stem[0].weight, stem)


def test_weights_of_another_network_or_damaged_ones(tmp_path):
    file = str(tmp_path / 'weights.pth')
    torch.save(timm.create_model('vit_small_patch14_dinov2', **DINOV2).state_dict(), file)
    with pytest.raises(CheckpointError, match='weights.pth does not hold the weights of test_vit'):
        maps('test_vit', file, img_size=(32, 32))
    with pytest.raises(CheckpointError, match='does not hold'):
        maps('vit_small_patch14_dinov2', file, **dict(DINOV2, depth=3))
    with open(file, 'r+b') as stream:
        stream.truncate(1000)
    with pytest.raises(CheckpointError, match='or it is truncated'):
        maps('vit_small_patch14_dinov2', file, **DINOV2)


def test_missing_weights_say_where_they_are_published():
    with pytest.raises(MissingFile, match=r'dinov2_vitb14_pretrain.pth .*dl.fbaipublicfiles.com'):
        maps('test_vit', 'pretrained/dinov2_vitb14_pretrain.pth', img_size=(32, 32))


def test_nothing_is_downloaded(monkeypatch):
    import socket

    def refuse(*args, **kwargs):
        raise AssertionError('a connection was opened')

    monkeypatch.setattr(socket, 'create_connection', refuse)
    monkeypatch.setattr(socket.socket, 'connect', refuse)
    maps('vit_small_patch14_dinov2.lvd142m', **DINOV2)


def test_unknown_names_are_errors():
    with pytest.raises(ConfigError, match="no model 'vit_bas_patch14_dinov2', did you mean "
                                          "'vit_base_patch14_dinov2'"):
        maps('vit_bas_patch14_dinov2')
    with pytest.raises(ConfigError, match=r"no weights 'lvd142' of vit_base_patch14_dinov2, did "
                                          "you mean 'lvd142m'"):
        published_settings('vit_base_patch14_dinov2.lvd142')
    with pytest.raises(ConfigError, match="test_vit of timm cannot be used .* 'depht'"):
        maps('test_vit', img_size=(32, 32), depht=1)


def test_shapes_are_those_of_the_maps():
    network = maps('test_convnext', layers=(1, 3), img_size=(64, 96))
    img = torch.randn(1, 3, 64, 96)
    assert network.shapes == [feature.shape for feature in network(img)]
    assert map_shapes(network.timm_model, (32, 32), [1]) == [
        feature.shape for feature in network(img[..., :32, :32])[:1]]
    assert network.stride == 32


def test_a_network_for_one_size_is_built_for_it():
    args = dict(embed_dim=8, num_heads=1, stages=(1, 1, 1, 1))
    network = maps('hiera_tiny_224', img_size=(64, 64), **args)
    assert network(torch.randn(1, 3, 64, 64))[0].shape == network.shapes[0]
