"""From a feature to the kind of shape that the object has: what its mask looks like as a whole."""
from typing import Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 4  # of the sorted pixels in the image


class KindHead(nn.Module):
    """A linear layer that sorts four places of each of the encoder's tokens.

    Args:
        channels: of the encoder's map.
        kinds: of shapes, see :mod:`.shapes`.
    """

    def __init__(self, channels: int, kinds: int):
        super().__init__()
        self.linear = nn.Conv2d(channels, 4 * kinds, 1)

    def forward(self, features: Tensor) -> Tensor:
        """B x C x h x w -> logits B x K x 2h x 2w."""
        return F.pixel_shuffle(self.linear(features), 2)


def kind_loss(logits: Tensor, kinds: Tensor) -> Tuple[Tensor, Tensor]:
    """Cross-entropy and accuracy, over the pixels that have a kind.

    Args:
        logits: B x K x H / 4 x W / 4.
        kinds: B x H x W, int64, 0..K - 1 or -1.

    Returns:
        two scalars, the second in [0, 1] and without a gradient.
    """
    sorted_ = kinds[:, 1::STRIDE, 1::STRIDE]
    loss = F.cross_entropy(logits, sorted_, ignore_index=-1)
    right = (logits.argmax(dim=1) == sorted_)[sorted_ >= 0]
    return loss, right.to(torch.float32).mean()
