"""The losses of Mask2Former (arXiv 2112.01527, Sec. 3.2), with weights of pixels for adaptation."""
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ... import distributed
from ...errors import ConfigError
from ...uda.student import full_precision
from .draws import MaskDraws
from .matching import MatchingCosts, Targets, match
from .points import sample_points, uncertain_points

# B images, Q queries, K classes, N matched masks of the batch, P points


class MaskPredictions(NamedTuple):
    """What the head predicts, before its first layer and after each one.

    Attributes:
        classes: logits B x Q x (K + 1) each. The last class is "no object".
        masks: logits B x Q x H/4 x W/4 each.
        size: (H, W) of the image.
    """
    classes: Tuple[Tensor, ...]
    masks: Tuple[Tensor, ...]
    size: Tuple[int, int]


class MaskLosses(nn.Module):
    """Classification of the queries, and cross-entropy and dice of the masks at points.

    Args:
        num_classes: K, number of classes.
        class_weight, mask_weight, dice_weight: weights of the three losses, and of their costs in
            the matching.
        no_object_weight: weight of "no object" in the classification. Classes have 1.
        num_points: P, points for matching an image, and points of each matched mask.
        oversample_ratio, importance_sample_ratio: see :func:`~.points.uncertain_points`.

    Raises:
        ConfigError: a number is out of its bounds.
    """

    def __init__(self, num_classes: int, class_weight: float = 2., mask_weight: float = 5.,
                 dice_weight: float = 5., no_object_weight: float = 0.1, num_points: int = 12544,
                 oversample_ratio: float = 3., importance_sample_ratio: float = 0.75):
        super().__init__()
        for name, value in dict(class_weight=class_weight, mask_weight=mask_weight,
                                dice_weight=dice_weight).items():
            if value < 0:
                raise ConfigError(f'losses.{name} must be at least 0, got {value}')
        if no_object_weight <= 0:  # an image may have no other target to divide by
            raise ConfigError(f'losses.no_object_weight must be above 0, got {no_object_weight}')
        if num_points < 1:
            raise ConfigError(f'losses.num_points must be at least 1, got {num_points}')
        if oversample_ratio < 1:
            raise ConfigError('losses.oversample_ratio must be at least 1, got '
                              f'{oversample_ratio}')
        if not 0 <= importance_sample_ratio <= 1:
            raise ConfigError('losses.importance_sample_ratio must be in [0, 1], got '
                              f'{importance_sample_ratio}')
        self.num_classes = num_classes
        self.costs = MatchingCosts(class_weight, mask_weight, dice_weight)
        self.num_points = num_points
        self.oversample_ratio = oversample_ratio
        self.importance_sample_ratio = importance_sample_ratio
        balance = torch.ones(num_classes + 1)
        balance[-1] = no_object_weight
        self.register_buffer('balance', balance, persistent=False)

    def forward(self, predicted: MaskPredictions, targets: List[Targets],
                draws: MaskDraws) -> Dict[str, Tensor]:
        """Return ``loss_cls``, ``loss_mask`` and ``loss_dice`` of the last layer, and ``dI.*``.

        They are computed in float32, also under autocast.
        """
        losses: Dict[str, Tensor] = {}
        last = len(predicted.classes) - 1
        with torch.autocast(predicted.masks[0].device.type, enabled=False):
            for i, (scores, masks) in enumerate(zip(predicted.classes, predicted.masks)):
                prefix = '' if i == last else f'd{i}.'
                found = self.of_layer(full_precision(scores), full_precision(masks), targets,
                                      draws)
                losses.update({prefix + name: value for name, value in found.items()})
        return losses

    def of_layer(self, scores: Tensor, masks: Tensor, targets: List[Targets],
                 draws: MaskDraws) -> Dict[str, Tensor]:
        """Return the three losses of one output.

        Args:
            scores: logits B x Q x (K + 1).
            masks: logits B x Q x h x w.
        """
        matches = self.matches(scores, masks, targets, draws)
        matched = torch.cat([one[queries] for one, (queries, _) in zip(masks, matches)])
        loss_cls, balance = self._classification(scores, targets, matches)
        # Of one process with the whole batch, divided by the number of processes.
        count = balance.new_full((), len(matched))
        count, balance = distributed.mean(torch.stack([count, balance]))
        loss_cls = self.costs.classes * loss_cls / balance
        count = count.clamp(min=1)
        if not len(matched):
            nothing = masks.sum() * 0
            return dict(loss_cls=loss_cls, loss_mask=nothing, loss_dice=nothing)
        mask, dice = self._masks(matched, targets, matches, draws)
        return dict(loss_cls=loss_cls, loss_mask=self.costs.mask * mask / count,
                    loss_dice=self.costs.dice * dice / count)

    def matches(self, scores: Tensor, masks: Tensor, targets: List[Targets],
                draws: MaskDraws) -> List[Tuple[Tensor, Tensor]]:
        """Return for each image its matched queries and the target of each."""
        found = []
        for i, (own_scores, own_masks, target) in enumerate(zip(scores, masks, targets)):
            points = draws.points([i], self.num_points, masks.device)[0]
            found.append(match(own_scores, own_masks, target, points, self.costs))
        return found

    def _classification(self, scores: Tensor, targets: List[Targets],
                        matches: List[Tuple[Tensor, Tensor]]) -> Tuple[Tensor, Tensor]:
        """Return the sum of the queries' cross-entropies, and that of their classes' weights."""
        labels = scores.new_full(scores.shape[:2], self.num_classes, dtype=torch.long)
        weights = torch.ones_like(scores[..., 0])
        for i, (target, (queries, matched)) in enumerate(zip(targets, matches)):
            labels[i, queries] = target.classes[matched]
            if target.weight is not None:
                weights[i] = target.weight.mean()
                weights[i, queries] = mean_weights(target)[matched]
        loss = F.cross_entropy(scores.flatten(0, 1), labels.flatten(), self.balance,
                               reduction='none')
        return (loss * weights.flatten()).sum(), self.balance[labels].sum()

    def _masks(self, matched: Tensor, targets: List[Targets],
               matches: List[Tuple[Tensor, Tensor]], draws: MaskDraws) -> Tuple[Tensor, Tensor]:
        """Return the sums over the matched masks of mean cross-entropy and of dice."""
        images = [i for i, (queries, _) in enumerate(matches) for _ in queries]
        points = uncertain_points(matched, images, self.num_points, self.oversample_ratio,
                                  self.importance_sample_ratio, draws)
        logits = sample_points(matched, points)  # N x P
        truth = sample_points(torch.cat([target.masks[index] for target, (_, index)
                                         in zip(targets, matches)]), points)
        weights = self._point_weights(points, targets, matches)
        entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction='none')
        shares = logits.sigmoid()
        if weights is None:
            return entropy.mean(1).sum(), dice(shares, truth).sum()
        counted = (weights > 0).to(shares.dtype)
        trust = torch.cat([mean_weights(target)[index] for target, (_, index)
                           in zip(targets, matches)])
        return ((entropy * weights).mean(1).sum(),
                (dice(shares * counted, truth * counted) * trust).sum())

    def _point_weights(self, points: Tensor, targets: List[Targets],
                       matches: List[Tuple[Tensor, Tensor]]) -> Optional[Tensor]:
        if targets[0].weight is None:
            return None
        weights = torch.cat([target.weight.expand(len(index), -1, -1) for target, (_, index)
                             in zip(targets, matches)])
        return sample_points(weights, points, 'nearest')


def dice(shares: Tensor, truth: Tensor) -> Tensor:
    """Return 1 - (2 |intersection| + 1) / (|sum| + 1) of each mask, N."""
    overlap = 2 * (shares * truth).sum(-1)
    return 1 - (overlap + 1) / (shares.sum(-1) + truth.sum(-1) + 1)


def mean_weights(target: Targets) -> Tensor:
    """Return the mean weight of the pixels of each target mask, T."""
    return (target.masks * target.weight).sum((1, 2)) / target.masks.sum((1, 2))


def targets_of(label: Tensor, ignore_index: int, weight: Optional[Tensor] = None
               ) -> List[Targets]:
    """Return the classes of each image.

    Labels of pixels of weight 0 are ignored. Ignored pixels are outside of every mask.

    Args:
        label: B x 1 x H x W or B x H x W.
        weight: weight of each pixel, B x H x W in [0, 1]; None is 1 everywhere.
    """
    label = label.squeeze(1) if label.dim() == 4 else label
    if weight is not None:
        label = torch.where(weight > 0, label, torch.full_like(label, ignore_index))
    found = []
    for i, one in enumerate(label):
        classes = one.unique()
        classes = classes[classes != ignore_index]
        masks = (one == classes[:, None, None]).float()
        found.append(Targets(classes, masks, None if weight is None else weight[i].float()))
    return found
