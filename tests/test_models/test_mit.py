import pytest
import torch
from mmseg.models.builder import BACKBONES

from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile
from mmseg_ssr.models import MiT, mit_b0
from mmseg_ssr.models.mit import EfficientSelfAttention, to_map, to_tokens

PARAMETERS = dict(mit_b0=3319392, mit_b5=81443008)


@pytest.mark.parametrize('name', PARAMETERS)
def test_sizes_are_the_published_ones(name):
    with torch.device('meta'):
        network = BACKBONES.build(dict(type=name, style='pytorch'))
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name]


def test_gives_four_maps_also_for_sides_that_32_does_not_divide():
    features = mit_b0().eval()(torch.randn(1, 3, 50, 70))
    assert [tuple(f.shape[1:]) for f in features] == [
        (32, 13, 18), (64, 7, 9), (160, 4, 5), (256, 2, 3)]


def test_stochastic_depth_grows_to_its_rate():
    network = MiT(drop_path_rate=0.3, embed_dims=(8, 16, 40, 64), depths=(1, 1, 1, 1))
    rates = [getattr(network, f'block{i}')[0].drop_path for i in range(1, 5)]
    assert [round(getattr(r, 'drop_prob', 0.), 3) for r in rates] == [0., 0.1, 0.2, 0.3]


@pytest.mark.parametrize('size', [(8, 8), (9, 14)])
def test_reduction_of_keys_is_the_strided_convolution(size):
    attention = EfficientSelfAttention(16, 2, sr_ratio=4)
    tokens = torch.randn(2, size[0] * size[1], 16)
    expected = to_tokens(attention.sr(to_map(tokens, size)))
    torch.testing.assert_close(attention._reduce(tokens, size), expected)


def saved_bytes(run):
    """What autograd keeps of ``run()`` for the backward pass, each storage once."""
    sizes = {}

    def keep(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = run()
    sum(output.square().sum() for output in outputs).backward()
    return sum(sizes.values())


def test_checkpointing_gives_the_same_gradients_from_less_memory():
    plain, thrifty = (BACKBONES.build(dict(type='mit_b0', drop_path_rate=0.5, with_cp=cp))
                      for cp in (False, True))
    thrifty.load_state_dict(plain.state_dict())
    img, kept = torch.randn(4, 3, 64, 64), []
    for network in (plain.train(), thrifty.train()):
        torch.manual_seed(3)  # blocks must fall out for the same images, both times
        kept.append(saved_bytes(lambda network=network: network(img)))
    for one, other in zip(plain.parameters(), thrifty.parameters()):
        torch.testing.assert_close(other.grad, one.grad, rtol=0, atol=0)
    assert kept[1] < kept[0] / 4


def test_bfloat16_gives_the_same_maps_within_its_precision():
    network, img = mit_b0().eval(), torch.randn(1, 3, 64, 64)
    with torch.autocast('cpu', torch.bfloat16):
        maps = network(img)
    for rounded, exact in zip(maps, network(img)):
        assert (rounded.float() - exact).norm() < 0.05 * exact.norm()


def test_starts_as_segformer_does():
    network = mit_b0()
    network.init_weights()
    linear, convolution = network.block1[0].attn.q, network.patch_embed2.proj
    assert abs(linear.weight.std().item() - 0.02) < 0.003 and not linear.bias.any()
    fan_out = 9 * convolution.out_channels
    assert abs(convolution.weight.std().item() - (2 / fan_out)**0.5) < 0.003


def test_loads_imagenet_weights_with_their_classifier(tmp_path):
    path, donor = tmp_path / 'mit_b0.pth', mit_b0()
    donor.init_weights()
    torch.save({**donor.state_dict(), 'head.weight': torch.zeros(1000, 256)}, path)
    network = mit_b0(pretrained=str(path))
    network.init_weights()
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), donor.parameters()))


def test_missing_weights_say_how_to_get_them():
    with pytest.raises(MissingFile, match='pretrained/mit_b0.pth is missing: fetch it with '
                       '`mmseg-ssr weights mit_b0`.*openmmlab.com.*huggingface.co/nvidia/mit-b0'):
        mit_b0(pretrained='pretrained/mit_b0.pth').init_weights()


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / 'mit_b0.pth'
    torch.save(MiT(depths=(1, 1, 1, 1), embed_dims=(32, 64, 160, 256)).state_dict(), path)
    with pytest.raises(CheckpointError, match='the first is block1.1'):
        mit_b0(pretrained=str(path)).init_weights()
    torch.save(MiT(depths=(2, 2, 2, 2)).state_dict(), path)
    with pytest.raises(CheckpointError, match='shapes differ'):
        mit_b0(pretrained=str(path)).init_weights()
    torch.save(MiT(depths=(2, 2, 3, 2), embed_dims=(32, 64, 160, 256)).state_dict(), path)
    with pytest.raises(CheckpointError, match='larger network than mit_b0: .* block3.2.norm1'):
        mit_b0(pretrained=str(path)).init_weights()


def test_pretrained_and_init_cfg_exclude_each_other():
    with pytest.raises(ConfigError, match='not both'):
        mit_b0(pretrained='a', init_cfg=dict(type='Pretrained', checkpoint='b'))
