import pytest
import torch
from torch import nn

from mmseg_ssr.regularizer import FeatureRegularizer
from mmseg_ssr.regularizer.feature_regularizer import default_heads


class Encoder(nn.Module):
    out_channels = 6

    def forward(self, img):
        return img.mean(1, keepdim=True).expand(-1, 6, -1, -1)


def make(**options):
    return FeatureRegularizer(Encoder(), channels=(4, 8, 10, 16), **options)


def features():
    return [torch.randn(2, c, s, s + 1) for c, s in zip((4, 8, 10, 16), (8, 4, 2, 1))]


def test_enhanced_is_the_feature_plus_attention_to_the_projected_map():
    regularizer, maps, context = make(), features(), torch.randn(2, 6, 3, 3)
    enhanced = regularizer(maps, context)

    tokens = regularizer.projections['1'](context.flatten(2).transpose(1, 2))
    query = maps[1].flatten(2).transpose(1, 2)
    attended = regularizer.attentions['1'](query, tokens).transpose(1, 2).reshape(2, 8, 4, 5)
    torch.testing.assert_close(enhanced[1], maps[1] + attended)


def test_the_projected_map_itself_is_added_where_the_pixel_is():
    plain, added = make(stages=[1]), make(stages=[1], add_map=True)
    added.load_state_dict(plain.state_dict())
    maps, context = features(), torch.zeros(2, 6, 4, 5)
    context[:, :, 2, 3] = 1  # of the size of stage 1: nothing is resized
    difference = added(maps, context)[1] - plain(maps, context)[1]
    bias = plain.projections['1'].bias
    expected = bias[:, None, None].expand(2, 8, 4, 5).clone()
    expected[:, :, 2, 3] = plain.projections['1'](torch.ones(6))
    torch.testing.assert_close(difference, expected)
    larger = added(maps, torch.randn(2, 6, 3, 3))[1]
    assert larger.shape == maps[1].shape


def test_chosen_stages_are_enhanced_and_the_others_pass_unchanged():
    regularizer, maps = make(stages=[2, 0]), features()
    enhanced = regularizer(maps, torch.randn(2, 6, 3, 3))
    assert enhanced[1] is maps[1] and enhanced[3] is maps[3]
    assert not torch.equal(enhanced[0], maps[0]) and not torch.equal(enhanced[2], maps[2])
    assert sorted(regularizer.projections) == sorted(regularizer.attentions) == ['0', '2']


def test_uses_the_published_heads():
    assert [make().attentions[str(i)].num_heads for i in range(4)] == [1, 2, 5, 8]


@pytest.mark.parametrize('channels, heads', [
    ((64, 128, 320, 512), (1, 2, 5, 8)), ((32, 64, 160, 256), (1, 2, 5, 8)),
    ((8, 16, 32, 64), (8, 8, 8, 8)), ((12, 10, 7), (4, 2, 1)), ((24, ), (8, ))])
def test_other_widths_have_the_most_heads_that_divide_them(channels, heads):
    assert tuple(default_heads(channels)) == heads


def test_the_encoder_gets_the_image_as_it_is():
    img = torch.randn(2, 3, 4, 5)
    assert torch.equal(make().encode(img), Encoder()(img))


@pytest.mark.parametrize('stages', [[4], [], [-1]])
def test_refuses_stages_that_do_not_exist(stages):
    with pytest.raises(ValueError, match='stages must be some of'):
        make(stages=stages)


def test_refuses_heads_for_another_number_of_stages():
    with pytest.raises(ValueError, match='each of the 4 stages'):
        make(num_heads=[1, 2])


def test_attention_of_chosen_pixels_is_that_of_the_forward_pass():
    regularizer, maps, context = make(), features(), torch.randn(2, 6, 3, 5)
    weights = regularizer.attention(1, maps[1], context, torch.tensor([0, 7]))
    assert weights.shape == (2, 2, 2, 3, 5)  # images, heads, pixels, the encoder's map
    layer = regularizer.attentions['1']
    tokens = regularizer.projections['1'](context.flatten(2).transpose(1, 2))
    values = layer.kv(tokens).chunk(2, -1)[1].unflatten(-1, (2, 4)).transpose(1, 2)
    attended = layer.proj((weights.flatten(3) @ values).transpose(1, 2).flatten(2))
    enhanced = regularizer(maps, context)[1].flatten(2).transpose(1, 2)[:, [0, 7]]
    torch.testing.assert_close(maps[1].flatten(2).transpose(1, 2)[:, [0, 7]] + attended, enhanced)
