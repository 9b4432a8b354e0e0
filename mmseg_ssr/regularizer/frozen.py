"""Networks outside the module tree: the student's optimizer and checkpoint never see them."""
from typing import Callable

import torch
from torch import nn

from ..layers.linear import use_onednn


class OutsideNetwork(nn.Module):
    """Holds ``network`` outside the module tree.

    A network outside the tree cannot be trained or saved by mistake. ``parameters()`` and
    ``state_dict()`` are empty. ``train()`` does not reach the network. An optimizer, a distributed
    wrapper or a checkpoint never sees it. ``to()`` and its relatives still move it.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self._outside = (network, )  # a tuple: nn.Module registers modules, not tuples of them

    @property
    def network(self) -> nn.Module:
        return self._outside[0]

    def _apply(self, fn: Callable, *args, **kwargs) -> 'OutsideNetwork':
        self.network._apply(fn, *args, **kwargs)
        return super()._apply(fn, *args, **kwargs)


class FrozenNetwork(OutsideNetwork):
    """A network that is used but never trained: in eval mode and without gradients.

    Args:
        network: any module; its parameters get ``requires_grad=False``, and its linear layers
            become those of :mod:`mmseg_ssr.layers.linear`.
    """

    def __init__(self, network: nn.Module):
        use_onednn(network)
        network.requires_grad_(False)
        network.eval()
        super().__init__(network)

    @torch.no_grad()
    def forward(self, *inputs):
        return self.network(*inputs)
