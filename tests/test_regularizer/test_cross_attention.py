import pytest
import torch

from mmseg_ssr.regularizer import CrossAttention


def test_is_the_softmax_formula_with_the_head_width_as_scale():
    attention = CrossAttention(8, 2)
    query, context = torch.randn(2, 5, 8), torch.randn(2, 3, 8)

    q = attention.q(query)
    k, v = attention.kv(context).chunk(2, -1)
    heads = []
    for h in (slice(0, 4), slice(4, 8)):
        weights = torch.softmax(q[..., h] @ k[..., h].transpose(1, 2) / 4**0.5, -1)
        heads.append(weights @ v[..., h])
    expected = attention.proj(torch.cat(heads, -1))

    torch.testing.assert_close(attention(query, context), expected)


def test_has_bias_in_the_output_projection_alone():
    assert [n for n, _ in CrossAttention(4, 1).named_parameters() if 'bias' in n] == ['proj.bias']


def test_refuses_heads_that_do_not_divide_the_width():
    with pytest.raises(ValueError, match='3 heads for 8 channels'):
        CrossAttention(8, 3)


def test_weights_are_those_of_the_attention():
    attention = CrossAttention(8, 2)
    query, context = torch.randn(2, 5, 8), torch.randn(2, 3, 8)
    weights = attention.weights(query, context)
    assert weights.shape == (2, 2, 5, 3)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 5))
    values = attention.kv(context).chunk(2, -1)[1].unflatten(-1, (2, 4)).transpose(1, 2)
    attended = (weights @ values).transpose(1, 2).flatten(2)
    torch.testing.assert_close(attention.proj(attended), attention(query, context))
