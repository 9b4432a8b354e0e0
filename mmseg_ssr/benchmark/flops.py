"""Counted operations of matrix products, convolutions and attention. Nothing else is counted."""
from math import prod
from typing import Any, Sequence

import torch
from torch.utils.flop_counter import (
    FlopCounterMode,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)


def flop_counter() -> FlopCounterMode:
    """Make a context that counts. ``get_total_flops()`` gives the sum, inside it too.

    A multiplication and an addition are two operations. Recomputed activations count again. Two
    things that torch 2.11 counts wrongly are counted correctly here. One is its fused attention on
    a CPU, which it counts as nothing. The other is the backward pass of grouped convolutions, which
    it counts as if they had no groups.
    """
    aten = torch.ops.aten
    return FlopCounterMode(display=False, custom_mapping={
        aten._scaled_dot_product_flash_attention_for_cpu: _attention,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
        aten.convolution_backward: _convolution_backward,
    })


def _attention(query: Sequence[int], key: Sequence[int], value: Sequence[int], *unused: Any,
               **shapes: Any) -> int:
    return sdpa_flop_count(query, key, value)


def _attention_backward(grad: Sequence[int], query: Sequence[int], key: Sequence[int],
                        value: Sequence[int], *unused: Any, **shapes: Any) -> int:
    return sdpa_backward_flop_count(grad, query, key, value)


def _convolution_backward(grad: Sequence[int], img: Sequence[int], weight: Sequence[int],
                          bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
                          output_padding: Any, groups: int, wanted: Sequence[bool],
                          **shapes: Any) -> int:
    """The gradients of image and weight take a forward pass's operations each."""
    positions = prod((img if transposed else grad)[2:])
    return 2 * grad[0] * positions * prod(weight) * (wanted[0] + wanted[1])
