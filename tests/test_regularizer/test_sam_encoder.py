import hashlib
from pathlib import Path

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT

from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile
from mmseg_ssr.regularizer import FrozenSAMEncoder, sam_encoder
from mmseg_ssr.regularizer.sam_attention import SAMAttention
from mmseg_ssr.regularizer.sam_network import build_image_encoder, resample_to

ARGS = dict(embed_dim=12, depth=2, num_heads=2, window_size=3, global_attn_indexes=[1],
            out_chans=16)


@pytest.fixture
def published():
    """An encoder of segment_anything with position tables that are not zero."""
    network = build_image_encoder('vit_b', 64, ARGS)
    assert isinstance(network, ImageEncoderViT)
    for name, parameter in network.named_parameters():
        if 'pos' in name:
            torch.nn.init.normal_(parameter)
    return network.eval()


@pytest.fixture
def weights_file(published, tmp_path):
    path = tmp_path / 'sam_vit_b_01ec64.pth'
    state = {f'image_encoder.{k}': v for k, v in published.state_dict().items()}
    torch.save({**state, 'mask_decoder.x': torch.zeros(1)}, path)
    return str(path)


def test_gives_the_features_of_segment_anything(published, weights_file):
    encoder = FrozenSAMEncoder('vit_b', checkpoint=weights_file, input_size=64, encoder_args=ARGS)
    img = torch.randn(2, 3, 40, 56)
    resized = torch.nn.functional.interpolate(img, (64, 64), mode='bilinear', align_corners=False)
    with torch.no_grad():
        expected = published(resized)
    torch.testing.assert_close(encoder(img), expected, rtol=1e-5, atol=1e-5)
    assert encoder.out_channels == expected.shape[1]


@pytest.mark.parametrize('heads_at_once', [1, 4])
def test_heads_taken_a_few_at_a_time_give_the_same(published, monkeypatch, heads_at_once):
    attention = SAMAttention(published.blocks[1].attn)
    tokens = torch.randn(3, 4, 4, 12)  # 3 images of 2 heads, of 16 tokens
    together = attention(tokens)
    buffers, make = [], torch.Tensor.new_empty
    monkeypatch.setattr(torch.Tensor, 'new_empty', lambda self, *size: (
        buffers.append(size[0]), make(self, *size))[1])
    monkeypatch.setattr(SAMAttention, 'MAX_BIAS_CPU', heads_at_once * 16 ** 2 + 1)
    torch.testing.assert_close(attention(tokens), together)
    assert buffers == [heads_at_once]


def test_norms_are_those_of_the_published_encoder(published):
    norms = [module for module in published.modules() if isinstance(module, torch.nn.LayerNorm)]
    assert {norm.eps for norm in norms} == {1e-6}


def test_resampled_positions_keep_their_directions():
    rows = torch.arange(4.).view(1, 4, 1, 1).expand(1, 4, 4, 3)
    larger = resample_to(rows, torch.empty(1, 8, 8, 3))
    assert (larger.diff(dim=1) > -0.1).all() and larger[0, -1, 0, 0] > 2.9
    torch.testing.assert_close(larger.diff(dim=2), torch.zeros(1, 8, 7, 3), atol=1e-6, rtol=0)
    table = torch.arange(7.)[:, None].expand(7, 2)
    assert torch.equal(resample_to(table, torch.empty(7, 2)), table)
    longer = resample_to(table, torch.empty(13, 2))
    torch.testing.assert_close(longer, (torch.arange(13.)[:, None] * 7 / 13 - 3 / 13).clamp(
        0, 6).expand(13, 2))


def test_another_input_size_resamples_the_positions(weights_file):
    encoder = FrozenSAMEncoder('vit_b', checkpoint=weights_file, input_size=32, encoder_args=ARGS)
    assert encoder(torch.randn(1, 3, 20, 20)).shape == (1, 16, 2, 2)


def test_random_weights_only_when_asked_for():
    with pytest.raises(TypeError, match='checkpoint'):
        FrozenSAMEncoder('vit_b', input_size=64, encoder_args=ARGS)


def test_missing_weights_name_the_file_and_where_it_is_published():
    with pytest.raises(MissingFile, match=r'sam_vit_b_01ec64.pth.*dl.fbaipublicfiles.com'):
        FrozenSAMEncoder('vit_b', checkpoint='no/such/sam_vit_b_01ec64.pth', encoder_args=ARGS)


def test_truncated_weights(weights_file):
    with open(weights_file, 'r+b') as file:
        file.truncate(1000)
    with pytest.raises(CheckpointError, match='may be truncated'):
        FrozenSAMEncoder('vit_b', checkpoint=weights_file, input_size=64, encoder_args=ARGS)


def test_weights_of_another_variant(weights_file):
    with pytest.raises(CheckpointError, match='does not hold this SAM encoder'):
        FrozenSAMEncoder('vit_b', checkpoint=weights_file, input_size=64,
                         encoder_args=dict(ARGS, depth=3))


def test_bad_values():
    with pytest.raises(ConfigError, match="did you mean 'vit_b'"):
        FrozenSAMEncoder('vitb', checkpoint=None)
    with pytest.raises(ConfigError, match='multiple of its patch size 16, got 100'):
        FrozenSAMEncoder('vit_b', checkpoint=None, input_size=100)
    with pytest.raises(ConfigError, match='depht'):
        FrozenSAMEncoder('vit_b', checkpoint=None, encoder_args=dict(depht=1))


def test_the_shipped_weights_are_those_of_the_readme():
    folder = Path(sam_encoder.__file__).parent / 'mini_sam'
    content = (folder / 'weights.pth').read_bytes()
    assert hashlib.sha256(content).hexdigest() in (folder / 'README.md').read_text()
    assert len(content) < 3e6
    encoder = FrozenSAMEncoder('mini', checkpoint='shipped', input_size=128)
    assert 0.5e6 < sum(p.numel() for p in encoder.network.parameters()) < 2e6
    weights = torch.load(folder / 'weights.pth')
    torch.testing.assert_close(encoder.network.patch_embed.proj.weight,
                               weights['patch_embed.proj.weight'].float())


def test_only_the_small_variant_is_shipped():
    with pytest.raises(ConfigError, match="'shipped' is for the SAM variant 'mini' alone"):
        FrozenSAMEncoder('vit_b', checkpoint='shipped')
