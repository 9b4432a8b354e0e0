"""One iteration of self-training, for every method of this package.

The step is a short list of *views* (an image, its label, a weight for each pixel) and the loss
terms on them. DAFormer, MIC, SSR and their sums differ by which parts are there::

    source view   the labeled source image
    mixed view    source classes pasted on a target image that the teacher has labeled (ClassMix)
    target view   the target image without a label (entropy, discriminators, own terms)
    masked view   an image with blocks hidden (MIC)

Source and mixed views go through the shadow branch (the plain student) and, when there is a
regularizer, through the regularization branch as well (SSR, Fig. 2).
"""
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from .. import distributed
from . import student as interface
from .draws import Draws
from .losses.feature_distance import FeatureDistance
from .losses.loss_term import VIEWS, LossTerm
from .losses.view_losses import Losses, ViewLosses
from .update.feature_cut import GraphCut
from .update.finite_check import NotFinite, NumericalWatch
from .update.optimization import Optimization
from .update.teacher import EMATeacher
from .views.class_mix import class_mix_masks, mix
from .views.masked_consistency import MaskedConsistency
from .views.pseudo_label import PseudoLabel, pseudo_label
from .views.strong_augmentation import StrongAugmentation
from .views.view import SOURCE, TARGET, Batch, View

#: Views that share a backbone pass, the frozen encoder's map for each, and the features of each.
Pass = Tuple[Sequence[View], Sequence[Optional[Tensor]], Sequence[Any]]


class SelfTraining(ViewLosses):
    """A student and the parts that train it.

    Args:
        student, feature_distance, regularizer, regularizer_weight, shadow_statistics,
            target_terms, loss_terms: see :class:`~mmseg_ssr.uda.losses.view_losses.ViewLosses`.
        teacher: labels target images; None trains on the source views alone.
        threshold: confidence that counts for the weight of a pseudo-label.
        ignore_top, ignore_bottom: rows of the crop without pseudo-labels.
        augmentation: color jitter and blur of mixed images.
        masked_consistency: the masked view.
        regularized_labels: the teacher labels target images by its regularization branch, not
            by its shadow branch as in the paper.
        joint_views: one backbone pass for all views: faster on an accelerator, and the graphs of
            all are in memory at once. The same numbers, for backbones without batch norm; heads
            go view by view either way.
        draws: the random decisions.
        optimization: precision, clipping and accumulation of gradients.
        watch: what happens when a number is not finite.
    """

    def __init__(self,
                 student: nn.Module,
                 teacher: Optional[EMATeacher] = None,
                 threshold: float = 0.968,
                 ignore_top: int = 0,
                 ignore_bottom: int = 0,
                 augmentation: Optional[StrongAugmentation] = None,
                 feature_distance: Optional[FeatureDistance] = None,
                 masked_consistency: Optional[MaskedConsistency] = None,
                 regularizer: Optional[nn.Module] = None,
                 regularizer_weight: float = 1.,
                 shadow_statistics: bool = False,
                 regularized_labels: bool = False,
                 target_terms: Sequence[nn.Module] = (),
                 loss_terms: Sequence[LossTerm] = (),
                 joint_views: bool = False,
                 draws: Optional[Draws] = None,
                 optimization: Optional[Optimization] = None,
                 watch: Optional[NumericalWatch] = None):
        super().__init__(student, feature_distance, regularizer, regularizer_weight,
                         shadow_statistics, target_terms, loss_terms)
        self.teacher = teacher
        self.threshold = threshold
        self.ignore_top, self.ignore_bottom = ignore_top, ignore_bottom
        self.augmentation = augmentation or StrongAugmentation()
        self.masked_consistency = masked_consistency
        self.regularized_labels = regularized_labels
        self.joint_views = joint_views
        self.draws = draws or Draws()
        self.optimization = optimization or Optimization()
        self.watch = watch or NumericalWatch()
        self.iteration = 0

    def step(self, batch: Batch, optimizer: torch.optim.Optimizer) -> Dict[str, Any]:
        """One training iteration; returns what is to be logged.

        Raises:
            NotFinite: a loss or gradient, unless such updates are left out.
        """
        if self.optimization.starts_round(self.iteration):
            for each in (optimizer, *self.own_optimizers):
                each.zero_grad()
        if self.adversary is not None:
            self.adversary.set_rate(self.iteration, optimizer)
        self.watch.keep([self, *(teacher.network for teacher in self.teachers)])
        log = self.forward_backward(batch)
        log = self._update(log, optimizer)
        self.iteration += 1
        return log

    def forward_backward(self, batch: Batch, update_teachers: bool = True) -> Losses:
        """Add the gradients of all views; returns the losses.

        Each loss goes backward to the features as soon as it is there, and what has arrived at
        the features goes through the backbone once. So the graph of one head is in memory at a
        time, and, unless the views are joint, that of one view.
        """
        log: Losses = {}
        for views, contexts, features in self._passes(batch, update_teachers):
            cut = GraphCut(features)
            for losses in self._losses(views, contexts, cut.features):
                if any('loss' in name for name in losses):
                    self.optimization.backward(summed(losses))
                log.update({name: value.detach() for name, value in losses.items()})
            cut.backward()
        return log

    def losses(self, batch: Batch) -> Losses:
        """The losses with their graphs, for trainers that do the backward pass themselves."""
        losses: Losses = {}
        for one_pass in self._passes(batch):
            for terms in self._losses(*one_pass):
                losses.update(terms)
        return losses

    def _update(self, log: Losses, optimizer: torch.optim.Optimizer) -> Dict[str, Any]:
        """Read the numbers of the iteration; new weights when they are due and all is finite."""
        due = self.optimization.ends_round(self.iteration)
        norms = self.optimization.collect(due, optimizer, *self.own_optimizers)
        norms = dict(zip(('grad_norm', 'grad_norm of discriminators'), norms))
        watched = {**log, 'loss': summed(log),
                   **({} if self.optimization.handles_overflow else norms)}
        values, bad = self.watch.read(self.iteration, watched, self._notes)
        if bad:
            self.watch.skip(self.iteration, bad + self._parameters_without_finite_gradient(),
                            counted=not self.optimization.spoiled)
            self.optimization.spoil(optimizer, *self.own_optimizers)
        if due:
            try:
                self.optimization.update(norms['grad_norm'], optimizer, *self.own_optimizers)
            except OverflowError as error:
                raise NotFinite(self.iteration, [str(error)]) from error
        clipped = due and self.optimization.max_norm is not None
        values = {name: value for name, value in values.items()
                  if name not in norms or name == 'grad_norm' and clipped}
        if self.watch.action == 'skip':
            values['skipped_updates'] = float(self.watch.skipped)
        return values

    def _passes(self, batch: Batch, update_teachers: bool = True) -> Iterator[Pass]:
        """The backbone passes of one iteration (the algorithm of DAFormer, MIC and SSR).

        The frozen encoder's maps are made first: the memory that this takes for a moment is free
        again when the student begins to keep what its backward pass needs.
        """
        self.draws.start_iteration(self.iteration, distributed.rank() * len(batch.img))
        self._notes = {}
        if update_teachers and self.optimization.starts_round(self.iteration):
            for teacher in self.teachers:
                teacher.update(self.model)
        views = self._views(batch)
        for together in [list(views)] if self.joint_views else ([view] for view in views):
            with self._precision(batch):
                contexts = [self._context(view) for view in together]
            with self._precision(batch):
                features = self._features([view.img for view in together])
            yield together, contexts, features

    def _views(self, batch: Batch) -> Iterator[View]:
        yield View(batch.img, batch.label.long(), None, SOURCE, 'enhanced')
        pseudo = None
        if self.teacher is not None:
            pseudo = self._pseudo_label(self.teacher, batch, self.threshold)
            yield self._mixed_view(batch, pseudo)
        if self.has_target_view:
            yield View(batch.target_img, None, None, TARGET)
        if self.masked_consistency is not None:
            yield self._masked_view(batch, pseudo)

    def _pseudo_label(self, teacher: EMATeacher, batch: Batch, threshold: float) -> PseudoLabel:
        with self._precision(batch):
            logits = interface.segmentation_logits(
                teacher.network, batch.target_img, self._teacher_enhancement(batch.target_img))
        return pseudo_label(logits, threshold, self.ignore_top, self.ignore_bottom,
                            batch.valid_mask)

    def _teacher_enhancement(self, img: Tensor) -> Optional[Callable]:
        """What the regularizer as it is now makes of the teacher's maps of ``img``."""
        if not self.regularized_labels:
            return None
        context = self.regularizer.encode(img)
        # the windows of an image (HRDA) share its map
        return lambda maps: self.regularizer(
            maps, context.repeat(len(maps[0]) // len(context), 1, 1, 1))

    def _mixed_view(self, batch: Batch, pseudo: PseudoLabel) -> View:
        masks = class_mix_masks(batch.label, self.draws)
        img = mix(masks, batch.img, batch.target_img)
        return View(
            self.augmentation(img, batch.mean, batch.std, self.draws),
            mix(masks, batch.label.long(), pseudo.label),
            mix(masks.squeeze(1), torch.ones_like(pseudo.weight), pseudo.weight),
            'mix', 'enhanced_mix')

    def _masked_view(self, batch: Batch, pseudo: Optional[PseudoLabel]) -> View:
        masked = self.masked_consistency
        if masked.teacher is not None and masked.needs_target:
            pseudo = self._pseudo_label(masked.teacher, batch, masked.threshold)
        view = masked.view(batch.img, batch.label.long(), batch.target_img, pseudo, batch.mean,
                           batch.std, self.draws)
        return View(*view, 'masked', scale=masked.weight)

    def _features(self, imgs: Sequence[Tensor]) -> Sequence[Any]:
        if len(imgs) == 1:
            return [interface.training_features(self.model, imgs[0], self.draws)]
        return interface.joint_training_features(self.model, imgs, self.draws)

    def _context(self, view: View) -> Optional[Tensor]:
        if self.regularizer is None or view.enhanced is None:
            return None
        return self.regularizer.encode(view.img)

    def _losses(self, views: Sequence[View], contexts: Sequence[Optional[Tensor]],
                features: Sequence[Any]) -> Iterator[Losses]:
        """The losses of a pass, those of one head at a time."""
        for view, context, maps in zip(views, contexts, features):
            for term in self.terms(view, context, maps):
                with self.optimization.precision(view.img.device):
                    losses = term()
                yield losses

    def _precision(self, batch: Batch) -> Any:
        return self.optimization.precision(batch.img.device)

    def _parameters_without_finite_gradient(self) -> List[str]:
        adversary = self.adversary.network.named_parameters() if self.adversary else ()
        return [f'gradient of {name}' for name, parameter in (*self.named_parameters(), *adversary)
                if parameter.grad is not None and not parameter.grad.isfinite().all()]

    @property
    def view_names(self) -> List[str]:
        """The views of an iteration, in the order in which they are made."""
        there = dict(source=True, mix=self.teacher is not None, target=self.has_target_view,
                     masked=self.masked_consistency is not None)
        return [name for name in VIEWS if there[name]]

    @property
    def teachers(self) -> List[EMATeacher]:
        own = self.masked_consistency.teacher if self.masked_consistency else None
        return [teacher for teacher in (self.teacher, own) if teacher is not None]


def summed(losses: Losses) -> Tensor:
    """The sum of the losses among logged values."""
    return sum(value for name, value in losses.items() if 'loss' in name)
