"""What a method of domain adaptation asks of Mask2Former and SARFormer (see ``uda/student.py``).

No paper trains them so. The rule for weights of pixels is in :mod:`.mask_losses`.
"""
from typing import Any, Callable, Dict, List, Optional, Sequence

import torch
from torch import Tensor, nn

from ...uda import student
from ...uda.draws import Draws
from .features import RegionFeatures
from .mask2former_head import Mask2FormerHead, log_scores
from .mask_losses import MaskPredictions
from .segmentors import Mask2Former, SARFormer


@student.compilable.register(Mask2Former)
def compilable(segmentor: Mask2Former) -> Sequence[nn.Module]:
    """Return the networks that can be compiled: queries and losses depend on the image."""
    return [segmentor.backbone, segmentor.decode_head.pixel_decoder]


@student.training_features.register(Mask2Former)
def training_features(segmentor: Mask2Former, img: Tensor, draws: Optional[Draws]) -> Any:
    """Return the features. Queries and losses draw from the decisions of the iteration."""
    segmentor.follow_draws(draws)
    return segmentor.extract_feat(img)


@student.joint_training_features.register(Mask2Former)
def joint_training_features(segmentor: Mask2Former, imgs: Sequence[Tensor],
                            draws: Optional[Draws]) -> Sequence[Any]:
    """Return the features of several image batches."""
    together = student.training_features(segmentor, torch.cat(list(imgs)), draws)
    return student.split_maps(together, [len(img) for img in imgs])


@student.joint_training_features.register(SARFormer)
def joint_region_features(segmentor: SARFormer, imgs: Sequence[Tensor],
                          draws: Optional[Draws]) -> List[RegionFeatures]:
    """Return the features of several image batches, with the regions of each."""
    together = student.training_features(segmentor, torch.cat(list(imgs)), draws)
    sizes = [len(img) for img in imgs]
    maps = student.split_maps(together, sizes)
    contexts: Sequence[Any] = [None] * len(imgs)
    if together.context is not None:
        contexts = student.split_maps(together.context, sizes)
    regions = iter(together.regions)
    return [RegionFeatures(own, context, [next(regions) for _ in range(size)], together.size)
            for own, context, size in zip(maps, contexts, sizes)]


@student.map_features.register(RegionFeatures)
def map_features(features: RegionFeatures, fn: Callable) -> RegionFeatures:
    """Apply ``fn`` to the maps. The context follows if it is the same maps."""
    return RegionFeatures(fn(list(features)), features.context, features.regions, features.size)


@student.prediction_losses.register(Mask2FormerHead)
def prediction_losses(head: Mask2FormerHead, predicted: MaskPredictions, label: Tensor,
                      weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """Return the losses of all outputs, and the accuracy of the last one, from stride 4."""
    losses = head.prediction_losses(predicted, label, weight)
    with torch.no_grad():
        scores = student.resized(log_scores(predicted), label, head.align_corners)
        losses['acc_seg'] = student.pixel_accuracy(scores, label.squeeze(1))
    return losses


@student.prediction_logits.register(MaskPredictions)
def prediction_logits(predicted: MaskPredictions) -> Tensor:
    """Return the log scores at stride 4."""
    return log_scores(predicted)


@student.trial_losses.register(Mask2FormerHead)
def trial_losses(head: Mask2FormerHead, label: Tensor,
                 weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """Return the losses of the head on logits of 0."""
    queries = head.num_queries
    predicted = MaskPredictions((torch.zeros(1, queries, head.num_classes + 1), ),
                                (torch.zeros(1, queries, 1, 1), ), tuple(label.shape[2:]))
    return head.prediction_losses(predicted, label, weight)
