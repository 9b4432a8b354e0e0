import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.layers.gelu_linear import gelu_linear


def run(function, layer, x, dtype=None):
    """Output and gradients of a layer on a copy of ``x``."""
    x = x.clone().requires_grad_()
    layer.zero_grad()
    with torch.autocast('cpu', dtype or torch.bfloat16, enabled=dtype is not None):
        out = function(layer, x)
    out.square().sum().backward()
    return [out, x.grad, layer.weight.grad, layer.bias.grad]


def plain(layer, x):
    return layer(F.gelu(x))


@pytest.mark.parametrize('dtype, tolerance', [(None, 1e-5), (torch.bfloat16, 0.02)])
def test_the_numbers_of_a_linear_layer_on_gelu(dtype, tolerance):
    layer = nn.Linear(12, 5)
    x = torch.randn(2, 12, 7).transpose(1, 2)  # as MiT's tokens lie in memory
    for value, expected in zip(run(gelu_linear, layer, x, dtype), run(plain, layer, x, dtype)):
        assert value.dtype == expected.dtype
        assert (value - expected).norm() <= tolerance * expected.norm()


def test_it_keeps_its_input_alone():
    layer, x = nn.Linear(12, 5), torch.randn(2, 7, 12, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda index: index):
        gelu_linear(layer, x * 1)
    assert sorted(tuple(tensor.shape) for tensor in kept if tensor.dim() == 3) == [(2, 7, 12)]


def test_other_gradients_are_those_of_finite_differences():
    layer = nn.Linear(4, 3).double()
    x = torch.randn(1, 2, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: gelu_linear(layer, x), (x, ))


def test_an_evaluated_layer_is_plain_operations_that_can_be_exported():
    layer, x = nn.Linear(4, 3), torch.randn(1, 2, 4)
    names = []
    for mode in (True, False):
        out = gelu_linear(layer.train(mode), x)
        torch.testing.assert_close(out, plain(layer, x))
        names.append('GELULinear' in out.grad_fn.name())
    assert names == [True, False]
