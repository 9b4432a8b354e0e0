"""Features cut off from the network that made them, so that losses can go backward one by one."""
from typing import Any, List

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten


class FeatureCut:
    """Copies of features on which gradients are collected before they go on to the backbone.

    Each loss on :attr:`features` may call ``backward()`` as soon as it is computed, which frees
    the graph of its head; :meth:`backward` then takes the sum of what arrived through the
    backbone, once. The gradients are those of the sum of the losses.

    Args:
        features: tensors in any nesting of tuples, lists, dicts and named tuples.

    Attributes:
        features: the same, leaves of new graphs.
    """

    def __init__(self, features: Any):
        values, structure = tree_flatten(features)
        self._made: List[Tensor] = []
        self._leaves: List[Tensor] = []
        self.features = tree_unflatten([self._cut(value) for value in values], structure)

    def backward(self) -> None:
        """Take the gradients that have arrived back to where the features came from."""
        arrived = [(made, leaf.grad) for made, leaf in zip(self._made, self._leaves)
                   if leaf.grad is not None]
        if arrived:
            torch.autograd.backward(*map(list, zip(*arrived)))

    def _cut(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.requires_grad:
            return value
        leaf = value.detach().requires_grad_()
        self._made.append(value)
        self._leaves.append(leaf)
        return leaf
