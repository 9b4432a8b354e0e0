"""BEiT with its adapter: initialization, weights files, deformable attention, what it refuses."""
import pytest
import torch
from mmseg.models.builder import BACKBONES
from torch import nn

from mmseg_ssr.errors import CheckpointError, ConfigError
from mmseg_ssr.models.vit_adapter.beit import relative_positions
from mmseg_ssr.models.vit_adapter.beit_weights import TABLE, resample_table
from mmseg_ssr.models.vit_adapter.deformable_attention import (
    DeformableAttention,
    cell_centers,
    sample,
)

TINY = dict(type='BEiTAdapter', img_size=64, embed_dims=24, num_layers=4, num_heads=4,
            deform_num_heads=4, conv_inplane=8, interaction_indexes=[[i, i] for i in range(4)],
            batch_norm_cfg=dict(type='BN'))


def built(**options):
    return BACKBONES.build(dict(TINY, **options))


# ---------------------------------------------------------------- deformable attention
def test_points_between_cells_are_interpolated_and_outside_is_zero():
    values = torch.arange(6.).view(1, 6, 1, 1)  # a 2 x 3 map
    places = torch.tensor([[0.5, 0.25], [1 / 3, 0.5], [-1., 0.5]]).view(1, 3, 1, 1, 1, 2)
    read = sample(values, [(2, 3)], places, torch.ones(1, 3, 1, 1, 1))
    torch.testing.assert_close(read.flatten(), torch.tensor([1., 2., 0.]))


def test_each_level_is_read_at_its_own_scale():
    torch.manual_seed(0)
    attention = DeformableAttention(8, num_heads=2, num_levels=2, num_points=1)
    nn.init.zeros_(attention.sampling_offsets.bias)  # each query reads its own place
    for layer in (attention.value_proj, attention.output_proj):
        nn.init.eye_(layer.weight)
    maps = torch.ones(1, 8, 4, 4), 3 * torch.ones(1, 8, 2, 2)
    tokens = torch.cat([one.flatten(2).transpose(1, 2) for one in maps], 1)
    centers = cell_centers([(4, 4)], torch.device('cpu'))
    read = attention(torch.randn(1, 16, 8), centers, tokens, [(4, 4), (2, 2)])
    inner = read.view(4, 4, 8)[1:3, 1:3]  # border cells read beyond the border of 2 x 2
    torch.testing.assert_close(inner, torch.full_like(inner, 2.))


def test_heads_start_in_a_circle():
    bias = DeformableAttention(16, 4, 1, 2).sampling_offsets.bias.view(4, 2, 2)
    expected = torch.tensor([[1., 0], [0, 1], [-1, 0], [0, -1]])
    torch.testing.assert_close(bias[:, 0], expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(bias[:, 1], 2 * expected, rtol=0, atol=1e-6)


def test_sampling_stays_in_float32_under_autocast():
    attention = DeformableAttention(8, 2, 1)
    centers = cell_centers([(4, 4)], torch.device('cpu'))
    tokens = torch.randn(1, 16, 8)
    with torch.autocast('cpu', torch.bfloat16):
        half = attention(tokens, centers, tokens, [(4, 4)])
    torch.testing.assert_close(half.float(), attention(tokens, centers, tokens, [(4, 4)]),
                               rtol=0.05, atol=0.05)


def test_heads_must_divide_the_values():
    with pytest.raises(ConfigError, match='3 heads for 8 channels'):
        DeformableAttention(16, 3, 1, ratio=0.5)


# ---------------------------------------------------------------- the backbone
def test_every_pair_of_tokens_has_its_position():
    positions = relative_positions((2, 3))
    assert positions.shape == (7, 7) and positions.max() == 3 * 5 + 2
    assert positions[1, 2] == positions[2, 3] == positions[4, 5]  # one step to the right
    assert positions[1, 4] == positions[3, 6] != positions[1, 2]  # one step down
    assert positions[0, 0] == 17 and (positions[0, 1:] == 15).all() and (
        positions[1:, 0] == 16).all()


def test_gradients_of_one_image_are_those_of_a_batch():
    """Batch norm of a transposed map had wrong gradients for a batch of one."""
    torch.manual_seed(0)
    backbone = built(drop_path_rate=0.)
    backbone.init_weights()
    img = torch.randn(1, 3, 64, 64)
    gradients = []
    for images in (img, img.expand(2, -1, -1, -1)):
        backbone.zero_grad()
        maps = backbone(images)
        sum((one[:1] ** 3).mean() for one in maps).backward()
        gradients.append(backbone.spm.conv2[0].weight.grad.clone())
    assert gradients[0].any()
    # Two equal images have the statistics of one, and half of the gradient each.
    assert backbone.spm.stem[1].track_running_stats
    cosine = nn.functional.cosine_similarity(*(one.flatten() for one in gradients), dim=0)
    assert cosine > 0.99


def test_checkpointing_changes_no_gradient():
    img = torch.randn(2, 3, 64, 64)
    gradients = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        backbone = built(with_cp=with_cp, drop_path_rate=0.)
        backbone.init_weights()
        sum(one.square().mean() for one in backbone(img)).backward()
        gradients.append([p.grad for p in backbone.parameters()])
    for one, other in zip(*gradients):
        torch.testing.assert_close(one, other)


def test_first_weights():
    torch.manual_seed(0)
    backbone = built(init_values=0.1)
    backbone.init_weights()
    interaction = backbone.interactions[3]
    assert (interaction.injector.gamma == 0.1).all() and (backbone.layers[0].gamma_2 == 0.1).all()
    attention = interaction.extra_extractors[1].attn
    assert not attention.sampling_offsets.weight.any() and attention.sampling_offsets.bias.any()
    assert 0.015 < backbone.layers[0].ffn.layers[1].weight.std() < 0.025
    assert not backbone.layers[0].attn.proj.bias.any()


def published(backbone, shared=False):
    """The weights of BEiT in a backbone under Microsoft's names."""
    found = {}
    for name, value in backbone.state_dict().items():
        if not name.startswith(('layers.', 'patch_embed.', 'cls_token')):
            continue
        for ours, theirs in {'layers.': 'blocks.', '.ln': '.norm', 'ffn.blocks.0.0.': 'mlp.fc1.',
                             'ffn.blocks.1.': 'mlp.fc2.', 'embed.projection': 'embed.proj'}.items():
            name = name.replace(ours, theirs)
        if not (shared and name.endswith(TABLE)):
            found[name] = value
    if shared:
        found['rel_pos_bias.relative_position_bias_table'] = backbone.layers[0].attn \
            .relative_position_bias_table.data
    return {**found, 'head.weight': torch.zeros(3, 24)}


@pytest.mark.parametrize('shared', [False, True])
def test_published_weights_load(tmp_path, shared):
    source = built()
    for parameter in source.parameters():
        nn.init.normal_(parameter)
    torch.save(dict(model=published(source, shared)), tmp_path / 'beit.pth')
    backbone = built(pretrained=str(tmp_path / 'beit.pth'))
    backbone.init_weights()
    for name in ('layers.3.ffn.layers.0.0.weight', 'layers.1.ln2.bias', 'cls_token',
                 'patch_embed.projection.weight', 'layers.2.attn.q_bias'):
        assert torch.equal(backbone.state_dict()[name], source.state_dict()[name]), name
    table = source.layers[0 if shared else 2].attn.relative_position_bias_table
    assert torch.equal(backbone.layers[2].attn.relative_position_bias_table, table)


def test_own_names_load_at_another_size(tmp_path):
    source = built()
    nn.init.normal_(source.layers[0].attn.relative_position_bias_table)
    torch.save(dict(state_dict=source.state_dict()), tmp_path / 'beit.pth')
    backbone = built(img_size=96, init_cfg=dict(checkpoint=str(tmp_path / 'beit.pth')))
    backbone.init_weights()
    own = backbone.layers[0].attn.relative_position_bias_table
    expected = resample_table(source.layers[0].attn.relative_position_bias_table.data, 6)
    assert len(own) == 11 ** 2 + 3
    torch.testing.assert_close(own.data, expected)


DEEPER = dict(num_layers=5, interaction_indexes=[[0, 0], [1, 1], [2, 2], [3, 4]])


@pytest.mark.parametrize('published_options, options, message', [
    ({}, dict(embed_dims=48), '[0-9]+ weights have another shape, the first is'),
    (DEEPER, {}, 'are too many'),
    ({}, DEEPER, 'are not in it, the first is layers.4.gamma_1')])
def test_weights_of_another_size_are_refused(tmp_path, published_options, options, message):
    torch.save(published(built(**published_options)), tmp_path / 'beit.pth')
    backbone = built(pretrained=str(tmp_path / 'beit.pth'), **options)
    with pytest.raises(CheckpointError, match=message):
        backbone.init_weights()


def test_a_table_of_no_square_grid_is_refused():
    with pytest.raises(CheckpointError, match='has 20 rows, which no square'):
        resample_table(torch.zeros(20, 2), 4)


def test_both_forms_of_a_file_are_too_many():
    with pytest.raises(ConfigError, match='pretrained or init_cfg, not both'):
        built(pretrained='a.pth', init_cfg=dict(checkpoint='a.pth'))
