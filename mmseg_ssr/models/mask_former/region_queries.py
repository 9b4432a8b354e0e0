"""Queries from the regions of an image (SARFormer, Sec. 3: region queries)."""
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ...uda.student import full_precision
from ...utils.device import send
from .draws import MaskDraws
from .mask_transformer import freed

# B images, Q queries, n regions of an image, C channels

#: Seed of the random regions of a network in eval mode.
PLACEHOLDER_SEED = 0
#: Spread of the normal numbers that the published code makes its first placeholder of.
SPREAD = 6


def drawn_masks(regions: Tensor, count: int, draws: MaskDraws, image: int = 0) -> Tensor:
    """Return Q masks of an image in random order, as the published code makes them.

    Too few regions are filled up with random ones, each pixel inside with a chance of one half.
    Too many are reduced to a random subset. Without any region the first mask is random and soft.

    Args:
        regions: masks n x H x W, bool.
        count: Q.
        draws: random decisions.
        image: place of the image in the batch.

    Returns:
        Q x H x W in 0..1, float32.
    """
    device, size = regions.device, tuple(regions.shape[1:])
    if not len(regions):
        soft = (draws.placeholders(image, 1, size, device) / SPREAD + 0.5).clamp(0, 1)
        masks = filled(soft, count, draws, size, image)
    elif len(regions) < count:
        masks = filled(regions.float(), count, draws, size, image)
    else:
        masks = by_area(regions)[draws.subset(image, len(regions), count, device)].float()
    return masks[draws.permutation(image, count, device)]


def largest_masks(regions: Tensor, count: int) -> Tensor:
    """Return Q masks of an image, the same ones each time: the largest regions, largest first.

    Too few are filled up with random regions of a fixed seed.
    """
    masks = by_area(regions)[:count].float()
    return filled(masks, count, FixedDraws(PLACEHOLDER_SEED), tuple(regions.shape[1:]))


def by_area(regions: Tensor) -> Tensor:
    """Return masks n x H x W, largest first."""
    return regions[regions.flatten(1).sum(1).argsort(descending=True, stable=True)]


class FixedDraws(MaskDraws):
    """Random regions from a seed, the same on every device."""

    def __init__(self, seed: int):
        self._seed = seed

    def placeholders(self, image: int, count: int, size: Tuple[int, int],
                     device: torch.device) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed)
        return send(torch.randn(count, *size, generator=generator), device)


def filled(masks: Tensor, count: int, draws: MaskDraws, size: Tuple[int, int],
           image: int = 0) -> Tensor:
    """Append random regions up to ``count`` to those of an image of the batch."""
    missing = count - len(masks)
    if not missing:
        return masks
    noise = draws.placeholders(image, missing, size, masks.device)
    return torch.cat([masks, (noise > 0).float()])


def pooled_queries(features: Tensor, masks: Tensor) -> Tensor:
    """Return the mean of the features inside each mask, B x Q x C.

    Computed in float64, like the published code. Gradients flow to the features alone.

    Args:
        features: B x C x h x w.
        masks: B x Q x H x W in 0..1.
    """
    inside = resized_masks(masks, features.shape[2:]).double()
    total = inside.sum((2, 3)).unsqueeze(-1)  # B x Q x 1
    pooled = torch.einsum('bqhw,bchw->bqc', inside, features.double())
    pooled = pooled / torch.where(total == 0, torch.ones_like(total), total)
    return pooled.to(full_precision(features).dtype)


def first_blocked(masks: Tensor, size: Sequence[int], way: str) -> Optional[Tensor]:
    """Return the cells that the queries may not see in the first layer, B x Q x h*w.

    Args:
        masks: B x Q x H x W in 0..1.
        size: (h, w) of the first memory.
        way: 'outside': each query sees what is outside of its region. This is what the published
            numbers come from. 'inside': it sees its region. 'predicted': it sees its predicted
            mask, and None is returned.
    """
    if way == 'predicted':
        return None
    inside = (resized_masks(masks, size) >= 0.5).flatten(2)
    return freed(inside if way == 'outside' else ~inside)


def resized_masks(masks: Tensor, size: Sequence[int]) -> Tensor:
    """Resize masks B x Q x H x W to (h, w)."""
    return F.interpolate(masks, tuple(size), mode='bilinear', align_corners=False)
