"""Large linear layers: torch's numbers, by oneDNN."""
import pytest
import torch
from torch import nn

from mmseg_ssr.benchmark.measure import flop_counter
from mmseg_ssr.layers import linear as module
from mmseg_ssr.layers.linear import Linear, linear
from mmseg_ssr.regularizer import FrozenNetwork

from .elsewhere import in_16_bits


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
    plain, ours = nn.Linear(5, 7, bias), Linear(5, 7, bias)
    ours.load_state_dict(plain.state_dict())
    return plain, ours


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


def test_gradients_under_autocast_are_those_of_32_bits(ways):
    _, ours = pair()
    input = torch.randn(4, 5)
    expected = torch.autograd.grad(ours(input).square().sum(), ours.weight)
    loss = ours(input).square().sum()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(*torch.autograd.grad(loss, ours.weight), *expected)
    assert len(ways) == 2


def operations(layer, input):
    with flop_counter() as counter:
        layer(input).sum().backward()
    return counter.get_total_flops()


def test_operations_are_counted(ways):
    product = 2 * 6 * 5 * 7
    for layer in pair():
        assert operations(layer, torch.randn(2, 3, 5, requires_grad=True)) == 3 * product
    assert len(ways) == 1


def test_only_wanted_gradients_are_computed(ways):
    _, ours = pair()
    product = 2 * 6 * 5 * 7
    assert operations(ours, torch.randn(2, 3, 5)) == 2 * product
    assert operations(ours.requires_grad_(False), torch.randn(2, 3, 5, requires_grad=True)) == \
        2 * product
    assert len(ways) == 2


def test_what_a_layer_gives_may_be_changed_in_place(ways):
    plain, ours = pair()
    input = torch.randn(2, 3, 5)
    for layer in (plain, ours):
        layer(input).relu_().sum().backward()
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)
    assert len(ways) == 1


def test_a_vector_and_what_does_not_fit_are_left_to_torch(ways):
    plain, ours = pair()
    input = torch.randn(5)
    assert torch.equal(ours(input), plain(input))
    with pytest.raises(RuntimeError, match='shapes cannot be multiplied'):
        ours(torch.randn(2, 4))
    ours.to('meta')(torch.randn(2, 5, device='meta'))
    assert not ways


@pytest.mark.parametrize('rows, many', [(6, False), (7, True), (0, False)])
def test_small_layers_are_those_of_torch(rows, many, ways, monkeypatch):
    monkeypatch.setattr(module, 'MANY', 7 * 5 * 7)
    plain, ours = pair()
    input = torch.randn(rows, 5)
    torch.testing.assert_close(ours(input), plain(input))
    assert len(ways) == many


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


def test_frozen_networks_use_it(ways):
    class Special(nn.Linear):
        pass

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 4), nn.ModuleDict(dict(a=nn.Linear(4, 3))), Special(3, 2))
    input, seen = torch.randn(4, 5), []
    expected = network[0](input)
    network[0].register_forward_hook(lambda layer, inputs, output: seen.append(output))
    names = list(network.state_dict())
    frozen = FrozenNetwork(network).network
    assert [type(layer) for layer in network.modules() if isinstance(layer, nn.Linear)] == [
        Linear, Linear, Special]
    assert list(frozen.state_dict()) == names and frozen[0].weight.requires_grad is False
    torch.testing.assert_close(frozen[0](input), expected)
    assert len(ways) == len(seen) == 1
    assert type(FrozenNetwork(nn.Linear(2, 2)).network) is Linear


def test_the_function_takes_weights_of_any_kind(ways):
    assert torch.equal(linear(torch.ones(4, 5), torch.ones(5, 2).t()), torch.full((4, 2), 5.))
    assert len(ways) == 1
