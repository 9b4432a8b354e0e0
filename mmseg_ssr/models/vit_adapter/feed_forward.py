"""The feed-forward network of transformers, with the parameter names of mmcv's."""
from typing import Callable

from torch import Tensor, nn


class FeedForward(nn.Module):
    """Two linear layers with an activation between them.

    The first layer is named ``layers.0.0`` and the second ``layers.1``, as in the checkpoints of
    mmseg and mmdet.

    Args:
        width: C, width of inputs and outputs.
        hidden: width between the layers.
        activation: makes the activation.
    """

    def __init__(self, width: int, hidden: int, activation: Callable[[], nn.Module] = nn.ReLU):
        super().__init__()
        self.layers = nn.Sequential(nn.Sequential(nn.Linear(width, hidden), activation()),
                                    nn.Linear(hidden, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ... x C to ... x C."""
        return self.layers(tokens)
