"""The decoder's dilated depth-wise convolutions: torch's numbers, from shifted views."""
import pytest
import torch
from torch import nn

from mmseg_ssr.layers import dilated_depthwise
from mmseg_ssr.layers.dilated_depthwise import DilatedDepthwiseConv2d
from mmseg_ssr.models.decoder_layers import build_layer

from .elsewhere import ELSEWHERE


@pytest.fixture
def ways(monkeypatch):
    """Count the uses of this project's way."""
    uses = []
    apply = dilated_depthwise._Convolution.apply
    monkeypatch.setattr(dilated_depthwise._Convolution, 'apply',
                        lambda *args: uses.append(args) or apply(*args))
    return uses


def pair(channels=5, dilation=2, bias=False):
    torch.manual_seed(0)
    plain, ours = (kind(channels, channels, 3, padding=dilation, dilation=dilation,
                        groups=channels, bias=bias)
                   for kind in (nn.Conv2d, DilatedDepthwiseConv2d))
    ours.load_state_dict(plain.state_dict())
    return plain, ours


def outputs_and_gradients(conv, input):
    input = input.clone().requires_grad_()
    output = conv(input)
    of_output = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    return (output, *torch.autograd.grad(output, (input, conv.weight), of_output))


@pytest.mark.parametrize('shape,dilation', [
    ((2, 5, 7, 9), 2), ((1, 3, 4, 4), 6), ((2, 4, 1, 5), 3), ((3, 1, 6, 2), 1)])
@pytest.mark.parametrize('cache', [1, 2000, 4 << 20])
def test_outputs_and_gradients_are_those_of_torch(shape, dilation, cache, monkeypatch, ways):
    monkeypatch.setattr(dilated_depthwise, 'CACHE', cache)  # one channel at a time, a few, all
    plain, ours = pair(shape[1], dilation)
    input = torch.randn(shape)
    torch.testing.assert_close(outputs_and_gradients(ours, input),
                               outputs_and_gradients(plain, input))
    assert len(ways) == 1


@pytest.mark.parametrize('run', ELSEWHERE.values(), ids=ELSEWHERE)
def test_elsewhere_it_is_the_plain_one(run, ways):
    plain, ours = pair()
    input = torch.randn(2, 5, 8, 8)
    assert torch.equal(run(ours, input), run(plain, input))
    assert not ways


def test_with_a_bias_it_is_the_plain_one(ways):
    plain, ours = pair(bias=True)
    input = torch.randn(2, 5, 8, 8)
    assert torch.equal(ours(input), plain(input))
    assert not ways


def test_the_decoder_uses_it_for_every_dilation_but_one(ways):
    torch.manual_seed(0)
    aspp = build_layer(dict(type='aspp', sep=True, dilations=(1, 6, 12), norm_cfg=dict(type='BN')),
                       4, 3)
    aspp(torch.randn(2, 4, 8, 8)).sum().backward()
    assert [dilation for _, _, dilation in ways] == [6, 12]
    assert [conv.dilation for conv in aspp.modules() if isinstance(conv, DilatedDepthwiseConv2d)
            and conv.weight.grad.abs().sum() > 0] == [(6, 6), (12, 12)]


def test_layers_without_norm_keep_their_biases():
    aspp = build_layer(dict(type='aspp', sep=True, dilations=(1, 6)), 4, 3)
    convolutions = [module for module in aspp.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 4 and all(conv.bias is not None for conv in convolutions)
