"""A head that predicts the kind of an object's shape from a feature."""
from typing import Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 4  # sorted pixels are this far apart in the image


class KindHead(nn.Module):
    """A linear layer that classifies four places of each of the encoder's tokens.

    Args:
        channels: number of channels of the encoder's map.
        kinds: number of kinds of shapes, see :mod:`.shapes`.
    """

    def __init__(self, channels: int, kinds: int):
        super().__init__()
        self.linear = nn.Conv2d(channels, 4 * kinds, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map B x C x h x w to logits B x K x 2h x 2w."""
        return F.pixel_shuffle(self.linear(features), 2)


def kind_loss(logits: Tensor, kinds: Tensor) -> Tuple[Tensor, Tensor]:
    """Cross-entropy and accuracy, over the pixels that have a kind.

    Args:
        logits: B x K x H / 4 x W / 4.
        kinds: B x H x W, int64, 0..K - 1 or -1.

    Returns:
        Two scalars, the second in [0, 1] and without a gradient.
    """
    sorted_ = kinds[:, 1::STRIDE, 1::STRIDE]
    loss = F.cross_entropy(logits, sorted_, ignore_index=-1)
    right = (logits.argmax(dim=1) == sorted_)[sorted_ >= 0]
    return loss, right.to(torch.float32).mean()
