"""Linear layers on a CPU, by oneDNN.

In float32 torch leaves matrix products to MKL. oneDNN, which computes torch's convolutions, is
faster on the processors of other makers, and for narrow layers on many tokens.
"""
from typing import Any, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .on_cpu import eager_float32

#: Multiplications from which a product is worth the call.
MANY = 2 ** 24
#: torch's compiler calls it for frozen layers. Builds without oneDNN have none.
PRODUCT = (getattr(torch.ops.mkldnn, '_linear_pointwise', None)
           if torch.backends.mkldnn.is_available() else None)


class Linear(nn.Linear):
    """A linear layer with torch's weights, and to rounding torch's outputs and gradients."""

    @classmethod
    def like(cls, layer: nn.Linear) -> 'Linear':
        """Return one with the weights of ``layer``, without a random draw."""
        new = nn.utils.skip_init(cls, layer.in_features, layer.out_features,
                                 layer.bias is not None)
        new.weight, new.bias = layer.weight, layer.bias
        return new

    def forward(self, input: Tensor) -> Tensor:
        """Map ... x C to ... x D."""
        return linear(input, self.weight, self.bias)


def use_onednn(network: nn.Module) -> None:
    """Let torch's linear layers in a network compute like :class:`Linear`. Weights stay."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, Linear.like(child))


def linear(input: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    """Return ``input @ weight.T + bias``, by oneDNN if that serves.

    Args:
        input: ... x C.
        weight: D x C.
        bias: D.

    Returns:
        ... x D.
    """
    if serves(input, weight):
        return _Linear.apply(input, weight, bias)
    return F.linear(input, weight, bias)


def serves(input: Tensor, weight: Tensor) -> bool:
    """Tell whether oneDNN serves: a large product in float32 on a CPU, in no graph."""
    return (PRODUCT is not None and torch.backends.mkldnn.enabled
            and eager_float32(input, weight) and input.numel() * len(weight) >= MANY)


class _Linear(torch.autograd.Function):

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        ctx.save_for_backward(input, weight)
        return product(input, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
        input, weight = ctx.saved_tensors
        rows = gradient.flatten(0, -2)
        of_input, of_weight, of_bias = ctx.needs_input_grad
        return (product(gradient, weight.t()) if of_input else None,
                rows.t() @ input.flatten(0, -2) if of_weight else None,
                rows.sum(dim=0) if of_bias else None)


def product(input: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    return PRODUCT(input, weight, bias, 'none', [], '')
