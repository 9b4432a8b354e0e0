"""What is learned from a view: the losses of the shadow branch and of the regularization branch."""
from contextlib import nullcontext
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

import torch
from torch import Tensor, nn

from .. import student as interface
from ..views.view import SOURCE, TARGET, View
from .adversarial import AdversarialAdaptation
from .feature_distance import FeatureDistance
from .loss_term import LossTerm
from .running_statistics import untracked_statistics

Losses = Dict[str, Tensor]


class ViewLosses(nn.Module):
    """A student and the loss terms on what it makes of views.

    Args:
        student: a segmentor of mmseg.
        feature_distance: loss term on the source view.
        regularizer: the regularization branch; None is DAFormer or MIC.
        regularizer_weight: of the losses of the regularization branch, 1 in the paper.
        shadow_statistics: the head's batch norms keep running statistics of the shadow branch
            alone; as published, of both branches.
        target_terms: losses on the target view, which is there when there are any; each makes them
            from :func:`~mmseg_ssr.models.interface.level_logits`.
        loss_terms: further losses on the shadow branch's predictions for the views they name.
    """

    def __init__(self,
                 student: nn.Module,
                 feature_distance: Optional[FeatureDistance] = None,
                 regularizer: Optional[nn.Module] = None,
                 regularizer_weight: float = 1.,
                 shadow_statistics: bool = False,
                 target_terms: Sequence[nn.Module] = (),
                 loss_terms: Sequence[LossTerm] = ()):
        super().__init__()
        self.model = student
        self.feature_distance = feature_distance
        self.regularizer = regularizer
        self.regularizer_weight = regularizer_weight
        self.shadow_statistics = shadow_statistics
        self.target_terms = nn.ModuleList(target_terms)
        self.loss_terms = nn.ModuleList(loss_terms)
        self._notes: Dict[str, Tensor] = {}

    def terms(self, view: View, context: Optional[Tensor],
               features: Any) -> Iterator[Callable[[], Losses]]:
        """What is learned from a view, the losses of one head (or of all that meet) at a time."""
        if view.label is None:
            yield partial(self._target_losses, view, features)
            return
        yield partial(self._shadow_losses, view, features)
        if context is not None:
            yield partial(self._regularized_losses, view, context, features)
        if self.feature_distance is not None and view.prefix == SOURCE:
            yield partial(self._feature_distance, view, context, features)

    def _shadow_losses(self, view: View, features: Any) -> Losses:
        """The plain student's."""
        name = f'{view.name} view: every label is ignore, it teaches nothing'
        self._notes[name] = (view.label == self.model.decode_head.ignore_index).all()
        losses: Losses = {}
        predicted = self._predicted(features)
        for prefix, head in interface.heads(self.model).items():
            losses.update(interface.prefixed(prefix, interface.prediction_losses(
                head, predicted[prefix], view.label, view.weight)))
        losses.update(self._own_losses(view, features, predicted))
        losses = interface.prefixed(view.prefix, interface.scaled(losses, view.scale))
        if self.adversary is not None and view.prefix == SOURCE:
            losses.update(self.adversary.source_losses(
                interface.level_logits(self.model, predicted, view.img)))
        return losses

    def _target_losses(self, view: View, features: Any) -> Losses:
        """What the predictions of all heads for a target image teach without a label."""
        predicted = self._predicted(features)
        logits = interface.level_logits(self.model, predicted, view.img)
        losses: Losses = {}
        for term in self.target_terms:
            losses.update(term(logits))
        return {**losses, **interface.prefixed(
            view.prefix, self._own_losses(view, features, predicted))}

    def _predicted(self, features: Any) -> Dict[str, Any]:
        """What each head makes of the features, by its prefix."""
        return {prefix: interface.prediction(head, features)
                for prefix, head in interface.heads(self.model).items()}

    def _own_losses(self, view: View, features: Any, predicted: Dict[str, Any]) -> Losses:
        """Those of the user's own terms, from what the heads have predicted for the view."""
        terms = [term for term in self.loss_terms if view.name in term.views]
        if not terms:
            return {}
        logits = interface.level_logits(self.model, predicted, view.img)
        losses: Losses = {}
        for term in terms:
            found = term(view, interface.semantic_features(features), logits)
            for name, value in found.items():
                losses[name] = losses[name] + value if name in losses else value
        return losses

    def _regularized_losses(self, view: View, context: Tensor, features: Any) -> Losses:
        """The same head on features that the frozen encoder's map has enhanced (SSR)."""
        enhanced = interface.map_features(features, lambda maps: self.regularizer(maps, context))
        head = self.model.decode_head
        with untracked_statistics(head) if self.shadow_statistics else nullcontext():
            losses = interface.supervised_losses(head, enhanced, view.label, view.weight)
        return interface.prefixed(view.enhanced, interface.scaled(losses, self.regularizer_weight))

    def _feature_distance(self, view: View, context: Optional[Tensor],
                          features: Any) -> Losses:
        distance, compares = self.feature_distance(
            interface.semantic_features(features),
            interface.feature_image(self.model, view.img), view.label, context)
        self._notes['source view: no cell is of a thing class, the feature distance is 0'] = \
            ~compares
        return {'src.loss_imnet_feat_dist': distance}

    @property
    def has_target_view(self) -> bool:
        """Whether something is learned from target images without a label."""
        return len(self.target_terms) > 0 or any(TARGET in term.views for term in self.loss_terms)

    @property
    def adversary(self) -> Optional[AdversarialAdaptation]:
        """The discriminators, if there are any."""
        return next((term for term in self.target_terms
                     if isinstance(term, AdversarialAdaptation)), None)

    @property
    def own_optimizers(self) -> List[torch.optim.Optimizer]:
        """Of what is trained, but is no part of the model."""
        return [] if self.adversary is None else [self.adversary.optimizer]
