"""Pseudo-labels and their quality weight (DAFormer, arXiv 2111.14887, Eq. 3 and 4)."""
from typing import NamedTuple, Optional

import torch
from torch import Tensor

from ... import distributed


class PseudoLabel(NamedTuple):
    """What the teacher says of a batch of target images."""
    label: Tensor  # B x 1 x H x W, long
    weight: Tensor  # B x H x W in [0, 1]


def pseudo_label(logits: Tensor,
                 threshold: float,
                 ignore_top: int = 0,
                 ignore_bottom: int = 0,
                 valid_mask: Optional[Tensor] = None) -> PseudoLabel:
    """The most likely class of each pixel, weighted by the share of confident pixels.

    The weight is one number for the whole batch, that of all processes (the published code's
    choice; Eq. 4 has one per image): the share of pixels whose largest softmax probability is at
    least ``threshold``. Rows that are then ignored still count in that share.

    Args:
        logits: B x K x H x W of the teacher.
        threshold: in [0, 1], 0.968 in the paper.
        ignore_top, ignore_bottom: rows of the crop that get weight 0 (rectification artifacts
            and the ego vehicle; right only for crops of full image height).
        valid_mask: B x 1 x H x W or B x H x W of 0 and 1, margins of the *full image* as they
            fall into the crop; multiplies the weight.
    """
    probability, label = torch.softmax(logits, dim=1).max(dim=1)
    share = distributed.mean((probability >= threshold).sum() / label.numel())
    weight = share.expand(label.shape).to(logits.dtype).clone()
    if ignore_top > 0:
        weight[:, :ignore_top] = 0
    if ignore_bottom > 0:
        weight[:, -ignore_bottom:] = 0
    if valid_mask is not None:
        weight = weight * valid_mask.reshape(weight.shape).to(weight.dtype)
    return PseudoLabel(label.unsqueeze(1), weight)
