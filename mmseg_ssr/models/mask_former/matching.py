"""Bipartite matching of queries and classes of an image (Mask2Former, Sec. 3.2; DETR, Eq. 1)."""
from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...utils.device import send
from .points import sample_points

# Q queries, T targets: the classes of an image; P points


class Targets(NamedTuple):
    """The classes of an image.

    Attributes:
        classes: T, in ascending order.
        masks: T x H x W, 1 inside.
        weight: weight of each pixel, H x W in [0, 1]; None is 1 everywhere.
    """
    classes: Tensor
    masks: Tensor
    weight: Optional[Tensor]


class MatchingCosts(NamedTuple):
    """Weights of the three costs."""
    classes: float
    mask: float
    dice: float


def match(scores: Tensor, masks: Tensor, targets: Targets, points: Tensor,
          costs: MatchingCosts) -> Tuple[Tensor, Tensor]:
    """Return the matched queries in ascending order, and the target of each.

    With more targets than queries the surplus has no query.

    Args:
        scores: logits Q x (K + 1).
        masks: logits Q x h x w.
        points: P x 2, shared by all masks. Those on pixels of weight 0 do not count.
    """
    from scipy.optimize import linear_sum_assignment  # takes long to import
    if not len(targets.classes):
        nothing = targets.classes.long()
        return nothing, nothing
    with torch.no_grad():
        cost = matching_cost(scores, masks, targets, points, costs)
    # Numbers that are not finite match anyhow: the losses tell that they are not.
    queries, matched = linear_sum_assignment(torch.nan_to_num(cost).cpu().numpy())
    order = np.argsort(queries)
    return tuple(send(torch.from_numpy(index[order]), scores.device)
                 for index in (queries, matched))


def matching_cost(scores: Tensor, masks: Tensor, targets: Targets, points: Tensor,
                  costs: MatchingCosts) -> Tensor:
    """Return the cost of each query for each target, Q x T."""
    logits = sample_points(masks, points)  # Q x P
    truth = sample_points(targets.masks, points)  # T x P
    counted = torch.ones_like(logits[0])
    if targets.weight is not None:
        counted = (sample_points(targets.weight[None], points, 'nearest')[0] > 0).to(logits.dtype)
    inside = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits), reduction='none')
    outside = F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits),
                                                 reduction='none')
    entropy = (inside * counted) @ truth.T + (outside * counted) @ (1 - truth).T
    entropy = entropy / counted.sum().clamp(min=1)
    dice = dice_cost(logits.sigmoid() * counted, truth * counted)
    return (costs.classes * -scores.softmax(-1)[:, targets.classes]
            + costs.mask * entropy + costs.dice * dice)


def dice_cost(shares: Tensor, truth: Tensor) -> Tensor:
    """Return 1 - (2 |intersection| + 1) / (|sum| + 1) of each pair, Q x T."""
    overlap = 2 * shares @ truth.T
    total = shares.sum(-1)[:, None] + truth.sum(-1)[None]
    return 1 - (overlap + 1) / (total + 1)
