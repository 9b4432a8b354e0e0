"""MiT's weights in the three published layouts."""
import pytest
import torch
from mmseg.models.builder import BACKBONES

from mmseg_ssr.benchmark.peers import mit_converter
from mmseg_ssr.errors import CheckpointError
from mmseg_ssr.models import mit_b0
from mmseg_ssr.weights.mit_layouts import segformer_layout


@pytest.fixture
def donor():
    """A MiT-B0 none of whose weights is a constant."""
    network = mit_b0(drop_path_rate=0.).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def transformers_layout(weights):
    """The same weights as transformers' ``SegformerForImageClassification`` (4.57) names them."""
    named = {'classifier.weight': torch.zeros(1000, 256), 'classifier.bias': torch.zeros(1000)}
    for name, value in weights.items():
        stage, rest = int(name.split('.')[0][-1]) - 1, name.partition('.')[2]
        if name.startswith('patch_embed'):
            rest = rest.replace('norm.', 'layer_norm.')
            named[f'segformer.encoder.patch_embeddings.{stage}.{rest}'] = value
        elif name.startswith('norm'):
            named[f'segformer.encoder.layer_norm.{stage}.{rest}'] = value
        else:
            block, part, rest = rest.split('.', 2)
            start = f'segformer.encoder.block.{stage}.{block}'
            if part in ('norm1', 'norm2'):
                named[f'{start}.layer_norm_{part[-1]}.{rest}'] = value
            elif part == 'mlp':
                named[f'{start}.mlp.{rest.replace("fc", "dense")}'] = value
            elif rest.startswith('kv.'):
                keys, values = value.chunk(2)
                named[f'{start}.attention.self.key.{rest[3:]}'] = keys
                named[f'{start}.attention.self.value.{rest[3:]}'] = values
            else:
                new = {'q': 'self.query', 'sr': 'self.sr', 'norm': 'self.layer_norm',
                       'proj': 'output.dense'}[rest.split('.')[0]]
                named[f'{start}.attention.{new}.{rest.split(".")[1]}'] = value
    return named


LAYOUTS = {
    'segformer': lambda weights: {**weights, 'head.weight': torch.zeros(1000, 256)},
    'mmseg': lambda weights: mit_converter().convert_mit(weights),
    'mmseg in a segmentor': lambda weights: {
        'decode_head.conv_seg.weight': torch.zeros(19, 8), **{
            f'backbone.{name}': value
            for name, value in mit_converter().convert_mit(weights).items()}},
    'transformers': transformers_layout,
    'transformers without its head': lambda weights: {
        name.removeprefix('segformer.'): value
        for name, value in transformers_layout(weights).items() if 'classifier' not in name},
}


def with_weights(path, **options):
    network = mit_b0(drop_path_rate=0., **(options or dict(pretrained=str(path)))).eval()
    network.init_weights()
    return network


@pytest.mark.parametrize('layout', LAYOUTS)
def test_all_layouts_give_the_same_maps_to_the_bit(tmp_path, donor, layout):
    path, img = tmp_path / 'weights.pth', torch.randn(1, 3, 64, 96)
    torch.save(LAYOUTS[layout](donor.state_dict()), path)
    for network in (with_weights(path), with_weights(path, init_cfg=dict(
            type='Pretrained', checkpoint=str(path)))):
        assert all(map(torch.equal, network(img), donor(img)))


def test_safetensors_of_transformers(tmp_path, donor):
    module = pytest.importorskip('safetensors.torch')
    path, img = tmp_path / 'model.safetensors', torch.randn(1, 3, 64, 96)
    weights = transformers_layout(donor.state_dict())
    module.save_file({name: value.clone() for name, value in weights.items()}, str(path))
    assert all(map(torch.equal, with_weights(path)(img), donor(img)))


def test_the_maps_are_those_of_mmsegs_own_network(tmp_path):
    """It differs by the epsilon of three norms alone."""
    theirs = BACKBONES.get('MixVisionTransformer')(
        embed_dims=32, num_layers=[2, 2, 2, 2], num_heads=[1, 2, 5, 8], drop_path_rate=0.,
        patch_sizes=[7, 3, 3, 3], sr_ratios=[8, 4, 2, 1]).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.save(theirs.state_dict(), tmp_path / 'mit_b0.pth')
    img = torch.randn(1, 3, 64, 96)
    for ours, wanted in zip(with_weights(tmp_path / 'mit_b0.pth')(img), theirs(img)):
        assert (ours - wanted).norm() < 1e-3 * wanted.norm()


@pytest.mark.parametrize('layout', ['mmseg', 'transformers'])
def test_weights_of_another_size_or_without_some_are_refused(tmp_path, donor, layout):
    path, weights = tmp_path / 'weights.pth', LAYOUTS[layout](donor.state_dict())
    deeper = {name.replace('.1.1.', '.1.2.').replace('block.1.1.', 'block.1.2.'): value
              for name, value in weights.items()}
    wrong = next(name for name in weights if 'in_proj_weight' in name or 'self.key.w' in name)
    linear = next(name for name in weights if 'ffn.layers.0.w' in name or 'dense1.w' in name)
    for changed, message in (
            ({**weights, linear: torch.ones(5)}, 'belongs to another network: its shapes'),
            ({**weights, **deeper}, 'larger network than mit_b0: .* block'),
            ({k: v for k, v in weights.items() if k != wrong}, 'not in it, the first is block1'),
            ({**weights, wrong: torch.ones(())}, 'belongs to another network: its shapes'),
            ({**weights, wrong: torch.ones(5, 5)}, 'belongs to another network: its shapes'),
            ({**weights, wrong: None}, 'not in it, the first is block1')):
        torch.save(changed, path)
        with pytest.raises(CheckpointError, match=message):
            with_weights(path)


def test_other_names_stay():
    assert segformer_layout({'backbone.block1.0.attn.q.weight': 1, 'layers.x': 2}) == {
        'block1.0.attn.q.weight': 1, 'layers.x': 2}
