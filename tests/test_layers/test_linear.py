"""Large linear layers: torch's numbers, by oneDNN."""
import pytest
import torch
from torch import nn

from mmseg_ssr.benchmark.measure import flop_counter
from mmseg_ssr.layers import linear as module
from mmseg_ssr.layers.linear import Linear, linear, use_onednn
from mmseg_ssr.regularizer import FrozenNetwork


@pytest.fixture
def ways(monkeypatch):
    """Let small layers use oneDNN too, and count the uses."""
    uses = []
    monkeypatch.setattr(module, 'MANY', 1)
    apply = module._Linear.apply
    monkeypatch.setattr(module._Linear, 'apply', lambda *args: uses.append(args) or apply(*args))
    return uses


def pair(bias=True):
    torch.manual_seed(0)
    plain = nn.Linear(5, 7, bias)
    return plain, Linear.like(plain)


def outputs_and_gradients(layer, input):
    input = input.clone().requires_grad_()
    output = layer(input)
    of_output = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    return (output, *torch.autograd.grad(output, (input, *layer.parameters()), of_output))


@pytest.mark.parametrize('input', [
    torch.randn(4, 5), torch.randn(2, 3, 5), torch.randn(2, 3, 4, 5),
    torch.randn(2, 5, 3).transpose(1, 2), torch.randn(2, 3, 10)[..., ::2],
], ids=['rows', 'tokens', 'windows', 'transposed', 'strided'])
@pytest.mark.parametrize('bias', [True, False])
def test_outputs_and_gradients_are_those_of_torch(input, bias, ways):
    plain, ours = pair(bias)
    torch.testing.assert_close(outputs_and_gradients(ours, input),
                               outputs_and_gradients(plain, input))
    assert len(ways) == 1


def test_only_wanted_gradients_are_computed(ways):
    _, ours = pair()
    ours.requires_grad_(False)
    input = torch.randn(2, 3, 5, requires_grad=True)
    ours(input).sum().backward()
    assert input.grad is not None and ours.weight.grad is None
    ours.weight.requires_grad_()
    ours(input.detach()).sum().backward()
    assert ours.weight.grad is not None and ours.bias.grad is None and len(ways) == 2


def test_it_shares_the_weights_and_draws_nothing():
    plain = nn.Linear(3, 4)
    state = torch.get_rng_state()
    ours = Linear.like(plain)
    assert ours.weight is plain.weight and ours.bias is plain.bias and str(ours) == str(plain)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize('rows, many', [(6, False), (7, True), (0, False)])
def test_small_layers_are_those_of_torch(rows, many, ways, monkeypatch):
    monkeypatch.setattr(module, 'MANY', 7 * 5 * 7)
    plain, ours = pair()
    input = torch.randn(rows, 5)
    torch.testing.assert_close(ours(input), plain(input))
    assert len(ways) == many


def in_16_bits(layer, input):
    with torch.autocast('cpu', dtype=torch.bfloat16):
        return layer(input)


def without_onednn(layer, input):
    with torch.backends.mkldnn.flags(enabled=False):
        return layer(input)


@pytest.mark.parametrize('run', [
    lambda layer, input: layer.double()(input.double()),
    in_16_bits,
    without_onednn,
    lambda layer, input: torch.jit.trace(layer, input, check_trace=False)(input),
    lambda layer, input: torch.compile(layer, backend='eager')(input),
], ids=['double', 'autocast', 'switched off', 'traced', 'compiled'])
def test_elsewhere_it_is_torch(run, ways):
    plain, ours = pair()
    input = torch.randn(2, 3, 5)
    assert torch.equal(run(ours, input), run(plain, input))
    assert not ways


def test_a_build_without_onednn(monkeypatch, ways):
    monkeypatch.setattr(module, 'PRODUCT', None)
    plain, ours = pair()
    input = torch.randn(2, 3, 5)
    assert torch.equal(ours(input), plain(input)) and not ways


def test_operations_are_counted(ways):
    plain, ours = pair()
    counts = []
    for layer in (plain, ours):
        with flop_counter() as counter:
            layer(torch.randn(2, 3, 5, requires_grad=True)).sum().backward()
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1] == 3 * 2 * 6 * 5 * 7 and len(ways) == 1


def test_frozen_networks_use_it(ways):
    class Special(nn.Linear):
        pass

    network = nn.Sequential(nn.Linear(5, 4), nn.ModuleDict(dict(a=nn.Linear(4, 3))), Special(3, 2))
    names = list(network.state_dict())
    frozen = FrozenNetwork(network)
    assert [type(layer) for layer in network.modules() if isinstance(layer, nn.Linear)] == [
        Linear, Linear, Special]
    assert list(network.state_dict()) == names
    assert not any(one.requires_grad for one in frozen.network.parameters())


def test_networks_keep_their_numbers(ways):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.Linear(8, 3))
    input = torch.randn(4, 5)
    expected = network(input)
    use_onednn(network)
    torch.testing.assert_close(network(input), expected)
    assert len(ways) == 2 and linear(input, torch.ones(2, 5)).shape == (4, 2)
