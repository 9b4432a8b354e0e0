"""Linear layers on a CPU, by oneDNN.

In float32 torch leaves matrix products to MKL. oneDNN, which computes torch's convolutions, is
faster on AMD's processors, and most of all for narrow layers on many tokens.
"""
import platform
from typing import Any, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .on_cpu import eager_float32

#: Multiplications from which a product is worth the call.
MANY = 2 ** 24
#: torch's compiler calls it for frozen layers. None where torch has no oneDNN, or another kind of
#: processor runs it.
PRODUCT = (getattr(torch.ops.mkldnn, '_linear_pointwise', None)
           if torch.backends.mkldnn.is_available() and platform.machine() in ('x86_64', 'AMD64')
           else None)


class Linear(nn.Linear):
    """A linear layer with torch's weights, and to rounding torch's outputs and gradients.

    Large ones have no second derivatives.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map ... x C to ... x D."""
        return linear(input, self.weight, self.bias)


def use_onednn(network: nn.Module) -> None:
    """Make torch's linear layers in a network, and itself if it is one, a :class:`Linear`.

    They stay the same objects, with their weights and hooks.
    """
    for module in network.modules():
        if type(module) is nn.Linear:
            module.__class__ = Linear


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
        rows = _Linear.apply(input.flatten(0, -2), weight, bias)
        return rows.unflatten(0, input.shape[:-1])
    return F.linear(input, weight, bias)


def serves(input: Tensor, weight: Tensor) -> bool:
    """Tell whether oneDNN serves: a large product that fits, and :func:`eager_float32`."""
    return (PRODUCT is not None and torch.backends.mkldnn.enabled
            and eager_float32(input, weight) and input.dim() > 1
            and input.shape[-1] == weight.shape[1] and input.numel() * len(weight) >= MANY)


class _Linear(torch.autograd.Function):

    @staticmethod
    @custom_fwd(device_type='cpu')
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return _product(rows, weight, bias)

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type='cpu')
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
        rows, weight = ctx.saved_tensors
        of_rows, of_weight, of_bias = ctx.needs_input_grad
        return (_product(gradient, weight.t()) if of_rows else None,
                gradient.t() @ rows if of_weight else None,
                gradient.sum(dim=0) if of_bias else None)


def _product(rows: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    return PRODUCT(rows, weight, bias, 'none', [], '')
