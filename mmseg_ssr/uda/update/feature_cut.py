"""Features cut off from their network, so that losses can be backpropagated one by one."""
from typing import Any, List

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten


class FeatureCut:
    """Copies of features that collect gradients before these go on to the backbone.

    Each loss on :attr:`features` can call ``backward()`` as soon as it is computed, which frees the
    graph of its head. :meth:`backward` then sends the sum of these gradients through the backbone
    in one pass. The gradients are those of the sum of the losses.

    Args:
        features: tensors in any nesting of tuples, lists, dicts and named tuples.

    Attributes:
        features: the same nesting, with leaves of new graphs.
    """

    def __init__(self, features: Any):
        values, structure = tree_flatten(features)
        self._made: List[Tensor] = []
        self._leaves: List[Tensor] = []
        self.features = tree_unflatten([self._cut(value) for value in values], structure)

    def backward(self) -> None:
        """Send the collected gradients back to the network of the features."""
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
