"""Counted operations against hand-computed ones."""
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.benchmark.measure import flop_counter


def counted(forward):
    """Operations of the forward and of the backward pass."""
    with flop_counter() as counter:
        out = forward()
        ahead = counter.get_total_flops()
        out.sum().backward()
        return ahead, counter.get_total_flops() - ahead


def test_a_linear_layer():
    layer, tokens = nn.Linear(8, 16), torch.randn(4, 8, requires_grad=True)
    assert counted(lambda: layer(tokens)) == (2 * 4 * 8 * 16, 2 * 2 * 4 * 8 * 16)


@pytest.mark.parametrize('mask', [None, torch.zeros(1, 1, 10, 12)])
def test_fused_attention(mask):
    q, k = (torch.randn(2, 3, n, 4, requires_grad=True) for n in (10, 12))
    ahead, back = counted(lambda: F.scaled_dot_product_attention(q, k, k, attn_mask=mask))
    product = 2 * 2 * 3 * 10 * 12 * 4
    assert ahead == 2 * product
    assert back == 5 * product  # the scores again, and four gradients


@pytest.mark.parametrize('groups', [1, 2, 8])
def test_convolution_in_groups(groups):
    layer = nn.Conv2d(8, 8, 3, padding=1, groups=groups)
    img = torch.randn(2, 8, 5, 6, requires_grad=True)
    one = 2 * 2 * 5 * 6 * 8 * (8 // groups) * 9
    assert counted(lambda: layer(img)) == (one, 2 * one)
    assert counted(lambda: layer(img.detach())) == (one, one)  # no gradient for the image


def test_transposed_convolution():
    layer = nn.ConvTranspose2d(8, 4, 2, stride=2)
    img = torch.randn(1, 8, 5, 5, requires_grad=True)
    one = 2 * 5 * 5 * 8 * 4 * 4
    assert counted(lambda: layer(img)) == (one, 2 * one)
