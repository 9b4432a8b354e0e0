"""Wide 3 x 3 convolutions: torch's numbers, from Winograd's sums and products."""
import pytest
import torch
from torch import nn

from mmseg_ssr.benchmark.measure import flop_counter
from mmseg_ssr.layers import winograd
from mmseg_ssr.layers.winograd import WinogradConv2d, use_winograd

from .elsewhere import ELSEWHERE


@pytest.fixture
def ways(monkeypatch):
    """Let small convolutions use Winograd's algorithm too, and count the uses."""
    uses = []
    monkeypatch.setattr(winograd, 'WIDE', 0)
    monkeypatch.setattr(winograd, 'MANY', 1)
    apply = winograd._Convolution.apply
    monkeypatch.setattr(winograd._Convolution, 'apply',
                        lambda *args: uses.append(args) or apply(*args))
    return uses


def convolution(inputs=3, outputs=5, **options):
    return nn.Conv2d(inputs, outputs, **{**dict(kernel_size=3, padding=1, bias=False), **options})


def pair(inputs=3, outputs=5):
    torch.manual_seed(0)
    plain, ours = convolution(inputs, outputs), convolution(inputs, outputs)
    ours.load_state_dict(plain.state_dict())
    use_winograd(ours)
    return plain, ours


def outputs_and_gradients(conv, input, memory_format=torch.contiguous_format):
    input = input.clone().requires_grad_()
    output = conv(input)
    of_output = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    of_output = of_output.to(output.dtype, memory_format=memory_format)
    return (output, *torch.autograd.grad(output, (input, conv.weight), of_output))


@pytest.mark.parametrize('shape', [
    (1, 3, 2, 2), (2, 3, 4, 8), (1, 7, 8, 4), (3, 1, 12, 6), (2, 5, 14, 10)])
@pytest.mark.parametrize('cache', [1, 5000, 32 << 20])  # a row of tiles at a time, a few, all
@pytest.mark.parametrize('order', [torch.contiguous_format, torch.channels_last])
def test_outputs_and_gradients_are_those_of_torch(shape, cache, order, monkeypatch, ways):
    monkeypatch.setattr(winograd, 'CACHE', cache)
    plain, ours = pair(shape[1])
    input = torch.randn(shape)
    for mine, exact in zip(outputs_and_gradients(ours, input, order),
                           outputs_and_gradients(plain.double(), input.double(), order)):
        assert (mine - exact).abs().max() < 2e-6 * exact.abs().max()
    assert len(ways) == 1


def test_wide_ones_are_exact():
    plain, ours = pair(256, 256)
    assert type(ours) is WinogradConv2d
    input = torch.randn(1, 256, 64, 64)
    for mine, exact in zip(outputs_and_gradients(ours, input),
                           outputs_and_gradients(plain.double(), input.double())):
        assert 0 < (mine - exact).abs().max() < 1e-5 * exact.abs().max()


def test_gradients_under_autocast_are_those_of_32_bits(ways):
    _, ours = pair()
    input = torch.randn(1, 3, 8, 8)
    expected, = torch.autograd.grad(ours(input).square().sum(), ours.weight)
    loss = ours(input).square().sum()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found, = torch.autograd.grad(loss, ours.weight)
    assert torch.equal(found, expected) and len(ways) == 2


def operations(conv, input):
    with flop_counter() as counter:
        conv(input).sum().backward()
    return counter.get_total_flops()


def test_less_than_half_of_the_operations(ways):
    plain, ours = pair()
    input = torch.randn(1, 3, 64, 64, requires_grad=True)
    assert 16 / 36 <= operations(ours, input) / operations(plain, input) < .46


def test_gradients_that_nobody_needs_are_not_computed(ways):
    _, ours = pair()
    input = torch.randn(1, 3, 64, 64)
    of_weight = operations(ours, input)
    ours.weight.requires_grad_(False)
    of_input = operations(ours, input.requires_grad_())
    all_of_them = operations(ours.requires_grad_(), input)
    assert of_weight < .7 * all_of_them and of_input < .7 * all_of_them


@pytest.mark.parametrize('options', [
    dict(kernel_size=5), dict(kernel_size=1), dict(padding=0), dict(stride=2), dict(dilation=2),
    dict(padding_mode='reflect'), dict(inputs=4, outputs=4, groups=2),
    dict(padding='same'),
], ids=str)
def test_other_convolutions_stay_what_they_are(options, ways):
    conv = convolution(**options)
    use_winograd(conv)
    assert type(conv) is nn.Conv2d


def test_narrow_ones_and_small_maps_are_not_worth_it(monkeypatch):
    monkeypatch.setattr(winograd._Convolution, 'apply', lambda *args: pytest.fail('used'))
    network = nn.Sequential(convolution(255, 256), convolution(256, 256))
    use_winograd(network)
    assert [type(conv) for conv in network] == [nn.Conv2d, WinogradConv2d]
    assert network[1](torch.randn(1, 256, 62, 64)).shape == (1, 256, 62, 64)


def test_kinds_of_their_own_stay_what_they_are(ways):
    class Own(nn.Conv2d):
        pass

    conv = Own(3, 5, 3, padding=1, bias=False)
    use_winograd(conv)
    assert type(conv) is Own


def test_a_bias_of_later_counts(ways):
    """Batch norm that is folded into the convolution gives it one."""
    plain, ours = pair()
    input = torch.randn(1, 3, 4, 4)
    plain.bias = ours.bias = nn.Parameter(torch.randn(5))
    assert torch.equal(ours(input), plain(input))


def test_it_keeps_weight_and_hooks(ways):
    conv = convolution()
    weight, seen = conv.weight, []
    conv.register_forward_hook(lambda *args: seen.append(args))
    use_winograd(conv)
    conv(torch.randn(1, 3, 4, 4))
    assert conv.weight is weight and len(seen) == len(ways) == 1


SIZES = {
    'odd width': lambda conv, input: conv(input[..., :7].contiguous()),
    'odd height': lambda conv, input: conv(input[:, :, :7].contiguous()),
    'no batch': lambda conv, input: conv(input[0]),
}


@pytest.mark.parametrize('run', [*SIZES.values(), *ELSEWHERE.values()], ids=[*SIZES, *ELSEWHERE])
def test_elsewhere_it_is_the_plain_one(run, ways):
    plain, ours = pair()
    input = torch.randn(2, 3, 8, 8)
    assert torch.equal(run(ours, input), run(plain, input))
    assert not ways
