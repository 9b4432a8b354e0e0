"""The losses on a view, in the shadow branch and in the regularization branch."""
from contextlib import nullcontext
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..student import (
    feature_image,
    full_precision,
    heads,
    level_logits,
    map_features,
    prediction,
    prediction_logits,
    prediction_losses,
    prefixed,
    scaled,
    semantic_features,
)
from ..views.view import SOURCE, TARGET, View
from .adversarial import AdversarialAdaptation
from .feature_distance import FeatureDistance
from .foundation_distance import FoundationDistance
from .loss_term import LossTerm
from .running_statistics import untracked_statistics


class Learned(NamedTuple):
    """The losses of a view or of an iteration, and notes about them.

    Attributes:
        losses: scalars by name. Those with ``loss`` in their names are minimized.
        notes: lines for the log, each with a bool scalar that says whether it holds.
    """
    losses: Dict[str, Tensor]
    notes: Dict[str, Tensor]

    @property
    def loss(self) -> Optional[Tensor]:
        """The sum of the losses; None if nothing is minimized."""
        values = [value for name, value in self.losses.items() if 'loss' in name]
        return sum(values) if values else None

    def add(self, other: 'Learned') -> None:
        """Add the numbers and notes of a part, without their graphs."""
        self.losses.update({name: value.detach() for name, value in other.losses.items()})
        self.notes.update(other.notes)


#: Makes losses from a view, the student's features of it, and the frozen encoder's map or None.
Term = Callable[[View, Any, Optional[Tensor]], Learned]


class ViewLosses:
    """The loss terms on the student's predictions for the views.

    Args:
        student: segmentor that is trained.
        feature_distance: loss term on the source view.
        regularizer: regularization branch; None trains without it, as DAFormer and MIC do.
        regularizer_weight: weight of the losses of the regularization branch, 1 in the paper.
        shadow_statistics: whether the shadow branch alone updates the running statistics of the
            head's batch norms. As published, both branches do.
        distillation_weight: weight of the :meth:`distilled` loss; 0 as in the paper.
        target_terms: losses on the target view, from :func:`~mmseg_ssr.uda.student.level_logits`.
        adversary: discriminators of source and target predictions.
        foundation_distance: loss term on the views of :class:`.DistanceView`.
        loss_terms: further losses on the shadow branch's predictions for the views that they name.
    """

    def __init__(self,
                 student: nn.Module,
                 feature_distance: Optional[FeatureDistance] = None,
                 regularizer: Optional[nn.Module] = None,
                 regularizer_weight: float = 1.,
                 shadow_statistics: bool = False,
                 distillation_weight: float = 0.,
                 target_terms: Sequence[nn.Module] = (),
                 adversary: Optional[AdversarialAdaptation] = None,
                 loss_terms: Sequence[LossTerm] = (),
                 foundation_distance: Optional[FoundationDistance] = None):
        self.student = student
        self.feature_distance = feature_distance
        self.regularizer, self.regularizer_weight = regularizer, regularizer_weight
        self.shadow_statistics = shadow_statistics
        self.distillation_weight = distillation_weight
        self.target_terms = nn.ModuleList(target_terms)
        self.adversary = adversary
        self.loss_terms = nn.ModuleList(loss_terms)
        self.foundation_distance = foundation_distance

    def terms(self, view: View) -> List[Term]:
        """Return the terms of a view. Each holds the graph of one head, or of all heads."""
        if view.reference is not None:
            return [self.compared]
        if view.label is None:
            return [self.unlabeled]
        terms: List[Term] = [self.shadow]
        if self.regularizer is not None and view.regularized:
            if self.distillation_weight > 0 and view.name != SOURCE:
                terms = [self.distilled]
            else:
                terms.append(self.regularized)
        if self.feature_distance is not None and view.name == SOURCE:
            terms.append(self.distance)
        return terms

    def shadow(self, view: View, features: Any, context: Optional[Tensor],
               target: Optional[Tensor] = None) -> Learned:
        """Return the losses of the plain student (SSR, Fig. 2, shadow branch).

        Args:
            target: class probabilities B x K x h x w for the distillation loss of the decode head;
                None is without.
        """
        ignored = (view.label == self.student.decode_head.ignore_index).all()
        losses: Dict[str, Tensor] = {}
        predicted = self._predicted(features)
        for prefix, head in heads(self.student).items():
            losses.update(prefixed(prefix, prediction_losses(
                head, predicted[prefix], view.label, view.weight)))
        losses.update(self._own_losses(view, features, predicted))
        if target is not None:
            losses['decode.loss_distillation'] = self.distillation_weight * distillation_loss(
                prediction_logits(predicted['decode']), target, view.trusted)
        losses = prefixed(view.prefix, scaled(losses, view.scale))
        if self.adversary is not None and view.name == SOURCE:
            losses.update(self.adversary.source_losses(
                level_logits(self.student, predicted, view.img)))
        return Learned(losses, {} if target is not None else {
            f'{view.name} view: every label is ignore, it teaches nothing': ignored})

    def regularized(self, view: View, features: Any, context: Tensor) -> Learned:
        """Return the losses of the decode head on enhanced features (SSR, Fig. 2)."""
        return self._regularized_losses(view, self._enhanced_prediction(features, context))

    def distilled(self, view: View, features: Any, context: Tensor) -> Learned:
        """Return the losses of both branches, with the shadow branch as student of the other.

        It learns the probabilities that the regularization branch finds for the same image
        (knowledge distillation, arXiv 1503.02531, at temperature 1). These carry what the frozen
        encoder knows, and count at pixels without a confident pseudo-label too, but not in rows
        and margins of target images that are not trusted. Not in the paper.
        """
        enhanced = self._enhanced_prediction(features, context)
        target = full_precision(prediction_logits(enhanced).detach()).softmax(1)
        losses, notes = self.shadow(view, features, context, target)
        return Learned({**losses, **self._regularized_losses(view, enhanced).losses}, notes)

    def distance(self, view: View, features: Any, context: Optional[Tensor]) -> Learned:
        """Return the feature distance (DAFormer, Sec. 4.2)."""
        distance, compares = self.feature_distance(
            semantic_features(features), feature_image(self.student, view.img), view.label, context)
        return Learned({'src.loss_imnet_feat_dist': distance}, {
            'source view: no cell is of a thing class, the feature distance is 0': ~compares})

    def compared(self, view: View, features: Any, context: Optional[Tensor]) -> Learned:
        """Return the distance to a foundation model (VFM-UDA++, Sec. 3).

        The heads run too, without gradients: as published, these views count in the running
        statistics of their batch norms.
        """
        with torch.no_grad():
            self._predicted(features)
        distance = self.foundation_distance(semantic_features(features), view.reference)
        return Learned(prefixed(view.prefix, {'loss_foundation': distance}), {})

    def unlabeled(self, view: View, features: Any, context: Optional[Tensor]) -> Learned:
        """Return the losses on the predictions for a view without a label."""
        predicted = self._predicted(features)
        losses: Dict[str, Tensor] = {}
        if view.name == TARGET:
            logits = level_logits(self.student, predicted, view.img)
            for term in self.target_terms:
                losses.update(term(logits))
            if self.adversary is not None:
                losses.update(self.adversary(logits))
        own = scaled(self._own_losses(view, features, predicted), view.scale)
        return Learned({**losses, **prefixed(view.prefix, own)}, {})

    def _enhanced_prediction(self, features: Any, context: Tensor) -> Any:
        """Return the decode head's prediction from enhanced features."""
        enhanced = map_features(features, lambda maps: self.regularizer(maps, context))
        head = self.student.decode_head
        with untracked_statistics(head) if self.shadow_statistics else nullcontext():
            return prediction(head, enhanced)

    def _regularized_losses(self, view: View, enhanced: Any) -> Learned:
        """Return the losses of the regularization branch from its prediction."""
        losses = prediction_losses(self.student.decode_head, enhanced, view.label, view.weight)
        return Learned(
            prefixed(view.regularized_prefix, scaled(losses, self.regularizer_weight)), {})

    def _predicted(self, features: Any) -> Dict[str, Any]:
        """Return the prediction of each head from the features, by prefix."""
        return {prefix: prediction(head, features) for prefix, head in heads(self.student).items()}

    def _own_losses(self, view: View, features: Any,
                    predicted: Dict[str, Any]) -> Dict[str, Tensor]:
        """Return the losses of the user's own terms on the view."""
        terms = [term for term in self.loss_terms if view.name in term.views]
        if not terms:
            return {}
        # a masked image may be larger than its label
        size = view.img if view.label is None else view.label
        logits = level_logits(self.student, predicted, size)
        losses: Dict[str, Tensor] = {}
        for term in terms:
            for name, value in term(view, semantic_features(features), logits).items():
                losses[name] = losses[name] + value if name in losses else value
        return losses

    @property
    def learns_from_predictions(self) -> bool:
        """Whether a loss needs target images without a label."""
        return len(self.target_terms) > 0 or self.adversary is not None or any(
            TARGET in term.views for term in self.loss_terms)

    @property
    def own_optimizers(self) -> List[torch.optim.Optimizer]:
        """The optimizers of trained networks outside of the model."""
        return [] if self.adversary is None else [self.adversary.optimizer]


def distillation_loss(logits: Tensor, target: Tensor, trusted: Optional[Tensor] = None) -> Tensor:
    """Return the mean cross-entropy of logits and class probabilities.

    Args:
        logits, target: B x K x h x w.
        trusted: B x H x W, bool. The others count as 0. None is everywhere.
    """
    loss = F.cross_entropy(full_precision(logits), target, reduction='none')
    if trusted is not None:
        loss = loss * F.interpolate(trusted[:, None].to(loss.dtype), loss.shape[1:])[:, 0]
    return loss.mean()
