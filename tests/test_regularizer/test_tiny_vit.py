import copy
import math
import re
import sys

import pytest
import torch
from timm.models.tiny_vit import TinyVit
from torch import nn

from mmseg_ssr.errors import CheckpointError, ConfigError
from mmseg_ssr.regularizer import FrozenSAMEncoder
from mmseg_ssr.regularizer.sam_network import build_image_encoder, load_image_encoder

#: The published code keeps the resolution in the last stage if it has 320 channels.
ARGS = dict(embed_dims=(8, 12, 16, 320), depths=(1, 2, 1, 1), num_heads=(1, 2, 4, 5),
            window_sizes=(7, 4, 5, 4), out_chans=16)
SIDE = 96
#: The map's sum of absolute values, and its entries [::5, ::5, ::5].
GOLDEN_SUM = 521.69769
GOLDEN = [-0.0947058, 1.8509961, 1.8582660, -1.3466594, 0.6287040, -0.3961819, -0.4113142,
          0.0784750, -2.0207474, -1.2560943, -1.2147206, 1.6094815, 0.3195976, 0.9783772,
          0.9762305, -0.5975040]


def published_layout():
    """A state dict with the names of MobileSAM's file, of timm's network and the neck."""
    stages = {key: value for key, value in ARGS.items() if key != 'out_chans'}
    names = {r'\.conv\.weight$': '.c.weight', r'^patch_embed\.conv1\.': 'patch_embed.seq.0.',
             r'^patch_embed\.conv2\.': 'patch_embed.seq.2.', r'^stages\.1\.down': 'layers.0.down',
             r'^stages\.2\.down': 'layers.1.down', r'^stages\.3\.down': 'layers.2.down',
             r'^stages\.': 'layers.'}
    weights = {}
    for name, value in TinyVit(num_classes=0, **stages).state_dict().items():
        for ours, theirs in names.items():
            name = re.sub(ours, theirs, name)
        if not name.startswith('head.'):
            weights[name] = value
    weights.update({
        'neck.0.weight': torch.empty(16, 320, 1, 1), 'neck.1.weight': torch.empty(16),
        'neck.1.bias': torch.empty(16), 'neck.2.weight': torch.empty(16, 16, 3, 3),
        'neck.3.weight': torch.empty(16), 'neck.3.bias': torch.empty(16)})
    return weights


def waves(name, value):
    """Numbers of a shape that depend on the name alone, with no random generator in between."""
    phase = sum(ord(letter) * (i + 1) for i, letter in enumerate(name)) % 100
    wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 0.73 + phase)
    wave = wave.view(value.shape).float()
    if name.endswith(('running_var', 'norm.weight', 'bn.weight', 'neck.1.weight',
                      'neck.3.weight')):
        return 1 + wave / 2
    return wave * 2 / math.sqrt(max(1, value[0].numel())) if value.dim() > 1 else wave / 4


@pytest.fixture(scope='module')
def published():
    """Weights as in MobileSAM's file, batch norms as trained."""
    return {name: waves(name, value) for name, value in published_layout().items()
            if value.is_floating_point()}


def encoder_of(weights, tmp_path, prefix=''):
    path = tmp_path / 'mobile_sam.pt'
    torch.save({prefix + name: value for name, value in weights.items()}, path)
    network = build_image_encoder('vit_t', SIDE, ARGS)
    load_image_encoder(network, str(path))
    return network.eval()


def picture(height=SIDE, width=SIDE):
    place = torch.arange(3 * height * width, dtype=torch.float64).view(1, 3, height, width)
    return torch.sin(place * 0.37).float()


@torch.no_grad()
def test_the_map_is_the_one_of_the_published_code(published, tmp_path):
    """The numbers were written down from the published class (PyPI mobilesam-mirror 1.0.0)."""
    found = encoder_of(published, tmp_path)(picture())[0]
    assert found.shape == (16, 6, 6)
    torch.testing.assert_close(found.abs().sum(), torch.tensor(GOLDEN_SUM), rtol=1e-4, atol=0)
    torch.testing.assert_close(found[::5, ::5, ::5].flatten(), torch.tensor(GOLDEN), rtol=0,
                               atol=1e-4)


@torch.no_grad()
def test_the_published_class_gives_the_same_map(published, tmp_path):
    theirs = pytest.importorskip('mobile_sam.modeling.tiny_vit_sam').TinyViT(
        img_size=SIDE, num_classes=7, **{key: ARGS[key] for key in ARGS if key != 'out_chans'})
    theirs.neck = nn.Sequential(  # the class has no argument for its width
        nn.Conv2d(320, 16, 1, bias=False), type(theirs.neck[1])(16),
        nn.Conv2d(16, 16, 3, padding=1, bias=False), type(theirs.neck[3])(16))
    theirs.load_state_dict({**theirs.state_dict(), **published})
    theirs.eval()
    tokens = theirs.patch_embed(picture())
    for layer in theirs.layers:
        tokens = layer(tokens)
    side = SIDE // 16  # its forward pass takes images of 1024 pixels alone
    expected = theirs.neck(tokens.transpose(1, 2).unflatten(2, (side, side)))
    found = encoder_of(theirs.state_dict(), tmp_path, 'image_encoder.')(picture())
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def identity_norms(published):
    """The same network, its batch norms folded into the convolutions by hand."""
    folded = dict(published)
    for start in [name[:-len('.c.weight')] for name in published if name.endswith('.c.weight')]:
        norm = {part: published[f'{start}.bn.{part}'].double()
                for part in ('weight', 'bias', 'running_mean', 'running_var')}
        gain = norm['weight'] / (norm['running_var'] + 1e-5).sqrt()
        folded[f'{start}.c.weight'] = (published[f'{start}.c.weight']
                                       * gain.view(-1, 1, 1, 1)).float()
        folded.update({
            f'{start}.bn.weight': torch.ones(len(gain)),
            f'{start}.bn.bias': (norm['bias'] - norm['running_mean'] * gain).float(),
            f'{start}.bn.running_mean': torch.zeros(len(gain)),
            f'{start}.bn.running_var': torch.full((len(gain), ), 1 - 1e-5),
            f'{start}.bn.num_batches_tracked': torch.tensor(3)})
    return folded


def without_norms(published):
    """The same, the bias in the convolution and no batch norm in the file."""
    weights = {name.replace('.bn.bias', '.c.bias'): value
               for name, value in identity_norms(published).items()}
    return {name: value for name, value in weights.items() if '.bn.' not in name}


def plain_convolutions(published):
    """The same as the published code names it after it has fused its layers."""
    return {name.replace('.c.', '.'): value for name, value in without_norms(published).items()}


def with_a_bias_before_the_norm(published):
    """The same, a part of the mean moved to a bias of the convolution."""
    weights = dict(published)
    for name in [name for name in published if name.endswith('.bn.running_mean')]:
        start = name[:-len('.bn.running_mean')]
        weights[f'{start}.c.bias'] = torch.full_like(published[name], 0.3)
        weights[name] = published[name] + 0.3
    return weights


@pytest.mark.parametrize('form', [identity_norms, without_norms, plain_convolutions,
                                  with_a_bias_before_the_norm])
@torch.no_grad()
def test_folded_and_trained_norms_give_one_map(published, tmp_path, form):
    found = encoder_of(form(published), tmp_path)(picture())
    torch.testing.assert_close(found, encoder_of(published, tmp_path)(picture()), rtol=0,
                               atol=3e-5)


def test_norms_that_are_neither_there_nor_folded(published, tmp_path):
    weights = {name: value for name, value in published.items() if '.bn.' not in name}
    with pytest.raises(CheckpointError, match='bn.weight'):
        encoder_of(weights, tmp_path)


@torch.no_grad()
def test_what_the_network_does_not_use_may_be_in_the_file(published, tmp_path):
    more = {'head.weight': torch.ones(1000, 320), 'norm_head.bias': torch.ones(320),
            'layers.1.blocks.0.attn.attention_bias_idxs': torch.zeros(4, 4, dtype=torch.long)}
    found = encoder_of({**published, **more}, tmp_path)(picture())
    assert torch.equal(found, encoder_of(published, tmp_path)(picture()))


@pytest.mark.parametrize('height, width', [(16, 16), (64, 48), (112, 224)])
def test_sides_are_any_multiples_of_sixteen(height, width):
    network = build_image_encoder('vit_t', 32, ARGS).eval()
    assert network(picture(height, width)).shape == (1, 16, height // 16, width // 16)


def test_the_frozen_encoder_does_without_segment_anything(monkeypatch):
    monkeypatch.setitem(sys.modules, 'segment_anything', None)
    encoder = FrozenSAMEncoder('vit_t', checkpoint=None, input_size=64, encoder_args=ARGS)
    assert encoder(torch.randn(2, 3, 40, 56)).shape == (2, 16, 4, 4)
    assert encoder.out_channels == 16 and not list(encoder.parameters())
    assert not any(weight.requires_grad for weight in encoder.network.parameters())


def test_copies_other_kinds_of_numbers_and_training_mode_keep_the_map(published, tmp_path):
    """Timm keeps a table of each device, which must not outlive its weights."""
    path = tmp_path / 'mobile_sam.pt'
    torch.save(published, path)
    encoder = FrozenSAMEncoder('vit_t', checkpoint=str(path), input_size=SIDE, encoder_args=ARGS)
    expected = encoder(picture())
    assert torch.equal(copy.deepcopy(encoder).train()(picture()), expected)
    double = copy.deepcopy(encoder).double()(picture().double())
    torch.testing.assert_close(double.float(), expected, rtol=0, atol=1e-4)
    with torch.autocast('cpu', torch.bfloat16):
        half = encoder(picture())
    assert half.dtype == torch.bfloat16
    assert torch.cosine_similarity(half.float(), expected).min() > 0.99


def test_the_published_size_of_the_network():
    with torch.device('meta'):
        network = build_image_encoder('vit_t', 1024, None)
        assert network(torch.empty(1, 3, 1024, 1024)).shape == (1, 256, 64, 64)
    assert 5.5e6 < sum(weight.numel() for weight in network.parameters()) < 6.5e6


@pytest.mark.parametrize('change, message', [
    (dict(depths=(1, 1, 1)), r'depths of TinyViT must have four values.*got \(1, 1, 1\)'),
    (dict(num_heads=(1, 5, 4, 5)), 'num_heads of TinyViT must divide embed_dims'),
    (dict(patch_size=8), 'multiple of its patch size|patch_size'),
    (dict(depht=1), 'depht')])
def test_bad_arguments(change, message):
    with pytest.raises(ConfigError, match=message):
        build_image_encoder('vit_t', 32, {**ARGS, **change})


def test_an_input_size_between_cells():
    with pytest.raises(ConfigError, match='multiple of its patch size 16, got 100'):
        FrozenSAMEncoder('vit_t', checkpoint=None, input_size=100)


@pytest.mark.parametrize('name, value, message', [
    ('patch_embed.seq.0.bn.running_var', None, 'does not hold this SAM encoder.*running_var'),
    ('patch_embed.seq.0.c.weight', None, 'does not hold this SAM encoder'),
    ('layers.1.blocks.0.attn.qkv.weight', torch.ones(3, 3), 'does not hold this SAM encoder'),
    ('patch_embed.seq.0.c.weight', torch.ones(3, 3), 'does not hold this SAM encoder'),
    ('blocks.0.norm1.weight', torch.ones(3), 'does not hold this SAM encoder.*blocks.0'),
    ('patch_embed.seq.0.bn.running_var', -torch.ones(4), 'running_var is a variance'),
    ('patch_embed.seq.0.bn.bias', torch.tensor([1., math.nan, 1., 1.]), 'not finite'),
    ('neck.1.bias', 'a text', 'no tensor')])
def test_weights_that_do_not_fit(published, tmp_path, name, value, message):
    weights = {**published, name: value}
    if value is None:
        del weights[name]
    with pytest.raises(CheckpointError, match=message):
        encoder_of(weights, tmp_path)
