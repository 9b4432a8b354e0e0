"""One iteration of self-training, for every method of this package.

The step makes a few *views* (an image, its label, a weight for each pixel) and takes losses on
them. DAFormer, MIC, SSR and their combinations differ by the parts that are switched on::

    source view   the labeled source image
    mixed view    source classes pasted on a target image that the teacher has labeled (ClassMix)
    target view   the target image without a label (entropy, discriminators, own terms)
    masked view   an image with hidden blocks (MIC)
    distance views  images of each domain, compared with a foundation model (VFM-UDA++)

All views go through the shadow branch, the plain student. With a regularizer, the source and the
mixed view also go through the regularization branch (SSR, Fig. 2).
"""
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from .. import distributed
from ..errors import ConfigError
from .draws import Draws
from .encoder_maps import EncoderMaps
from .losses.adversarial import AdversarialAdaptation
from .losses.view_losses import Learned, ViewLosses
from .student import encoder_of, joint_training_features, training_features
from .update.feature_cut import FeatureCut
from .update.finite_check import FiniteCheck, NotFinite
from .update.optimization import Optimization
from .update.teacher import EMATeacher
from .views.pseudo_label import PseudoLabeler
from .views.view import Batch, SourceView, View, ViewMaker


class SelfTraining(nn.Module):
    """A student and the parts that train it.

    The module tree holds the student (``model``) and the parts that its optimizer trains as well:
    regularizer, feature distance, own terms and views. Teachers, discriminators and frozen networks
    are outside of it, so that this optimizer never sees them. A state dict holds the student alone,
    under the names of the plain segmentor (docs/contracts.md, C1). The training state
    (:mod:`.training_state`) holds all else that a checkpoint needs.

    Args:
        student: segmentor as :mod:`.student` describes it.
        views: makers of the views of an iteration, in the order of training.
        losses: loss terms on the views.
        teacher: network that labels target images; None trains without one.
        maps: makes the frozen encoder's maps, by default one of each regularized view's image.
        pseudo_labels: turns the teacher's predictions into labels and weights.
        joint_views: one backbone pass for all views. This is faster on an accelerator, but the
            graphs of all views are in memory at once. The numbers are the same for backbones
            without batch norm. Heads take the views one by one either way.
        draws: random decisions.
        optimization: precision, clipping and accumulation of gradients.
        finite_check: reaction to numbers that are not finite.
    """

    def __init__(self,
                 student: nn.Module,
                 views: Optional[Sequence[ViewMaker]] = None,
                 losses: Optional[ViewLosses] = None,
                 teacher: Optional[EMATeacher] = None,
                 maps: Optional[EncoderMaps] = None,
                 pseudo_labels: Optional[PseudoLabeler] = None,
                 joint_views: bool = False,
                 draws: Optional[Draws] = None,
                 optimization: Optional[Optimization] = None,
                 finite_check: Optional[FiniteCheck] = None):
        super().__init__()
        self.view_losses = losses or ViewLosses(student)
        # Checkpoints and optimizers know the modules of the losses by these names.
        self.model = student
        self.feature_distance = self.view_losses.feature_distance
        self.regularizer = self.view_losses.regularizer
        self.target_terms = self.view_losses.target_terms
        self.loss_terms = self.view_losses.loss_terms
        self.foundation_distance = self.view_losses.foundation_distance
        self.adversary: Optional[AdversarialAdaptation] = self.view_losses.adversary
        self.teacher = teacher
        self.view_makers = nn.ModuleList([SourceView()] if views is None else views)
        self.encoder_maps = maps or EncoderMaps(self.regularizer)
        self.label_encoder = self.encoder_maps.encoder
        self.pseudo_labels = pseudo_labels or PseudoLabeler()
        self.joint_views = joint_views
        self.draws = draws or Draws()
        self.optimization = optimization or Optimization()
        self.finite_check = finite_check or FiniteCheck()
        self.replays_graphs = False
        self.iteration = 0
        self._register_state_dict_hook(keep_student)
        self._register_load_state_dict_pre_hook(name_for_student)

    def step(self, batch: Batch, optimizer: torch.optim.Optimizer) -> Dict[str, Any]:
        """Run one training iteration and return the numbers for the log.

        Raises:
            NotFinite: a loss or gradient is not finite, and such updates are not left out.
        """
        optimizers = [optimizer, *self.view_losses.own_optimizers]
        if self.optimization.starts_round(self.iteration):
            for each in optimizers:
                each.zero_grad()
            self.teachers_follow()
        if self.adversary is not None:
            self.adversary.set_rate(self.iteration, optimizer)
        self.finite_check.keep([self, *(teacher.network for teacher in self.teachers)])
        learned = self.forward_backward(batch)
        log = self._update(learned, optimizers)
        self.iteration += 1
        return log

    def forward_backward(self, batch: Batch) -> Learned:
        """Add the gradients of all views (the algorithm of DAFormer, MIC and SSR).

        Each loss is backpropagated to the features at once. The sum of these gradients then goes
        through the backbone in one pass. So the graph of one head is in memory at a time, and the
        graph of one view, unless the views are joint.
        """
        learned = Learned({}, {})
        for views in self._passes(self.make_views(batch)):
            contexts, features = self._contexts_and_features(views)
            cut = FeatureCut(features)
            for view, context, maps in zip(views, contexts, cut.features):
                for term in self.view_losses.terms(view):
                    with self.optimization.precision(view.img.device):
                        found = term(view, maps, context)
                    self.optimization.backward(found.loss)
                    learned.add(found)
            cut.backward()
        return learned

    def losses(self, batch: Batch) -> Dict[str, Tensor]:
        """Return the losses with their graphs, for trainers that call backward themselves."""
        if self.optimization.starts_round(self.iteration):
            self.teachers_follow()
        losses: Dict[str, Tensor] = {}
        for views in self._passes(self.make_views(batch)):
            contexts, features = self._contexts_and_features(views)
            for view, context, maps in zip(views, contexts, features):
                for term in self.view_losses.terms(view):
                    with self.optimization.precision(view.img.device):
                        losses.update(term(view, maps, context).losses)
        return losses

    def make_views(self, batch: Batch) -> List[View]:
        """Make the views of an iteration. Its random decisions begin here."""
        if self.replays_graphs:  # all that its graphs give out lives until the next one
            torch.compiler.cudagraph_mark_step_begin()
        self.draws.start_iteration(self.iteration, distributed.rank() * len(batch.img))
        self.encoder_maps.start_iteration(batch)
        shared = None if self.teacher is None else self._label(self.teacher, batch)
        views = []
        for maker in self.view_makers:
            own = maker.teacher
            pseudo = shared if own is None else self._label(own, batch, maker.threshold)
            view = maker(batch, pseudo, self.draws)
            if view.name != maker.name:
                raise ConfigError(f'{type(maker).__name__} makes the view {view.name!r}, but its '
                                  f'name is {maker.name!r}: give both the same')
            views.append(view)
        return views

    def _label(self, teacher: EMATeacher, batch: Batch, threshold: Optional[float] = None) -> Any:
        with self.optimization.precision(batch.img.device):
            return self.pseudo_labels(teacher, batch, threshold)

    def _passes(self, views: List[View]) -> List[List[View]]:
        """Group the views by passes of the backbone."""
        return [views] if self.joint_views else [[view] for view in views]

    def _contexts_and_features(self, views: Sequence[View]
                               ) -> Tuple[List[Optional[Tensor]], Sequence[Any]]:
        """Return the frozen encoder's map for each view, and the student's features of each view.

        A view that is not regularized has None instead of a map. The maps are made first: the
        memory that the encoder takes is free again before the student keeps tensors for its
        backward pass.
        """
        imgs = [view.img for view in views]
        with self.optimization.precision(imgs[0].device):
            contexts = [self.encoder_maps.of_view(view) for view in views]
            if len(views) == 1:
                return contexts, [training_features(self.model, imgs[0], self.draws)]
            return contexts, joint_training_features(self.model, imgs, self.draws)

    def _update(self, learned: Learned,
                optimizers: Sequence[torch.optim.Optimizer]) -> Dict[str, Any]:
        """Check the numbers of an iteration, and update the weights when that is due."""
        due = self.optimization.ends_round(self.iteration)
        norms = dict(zip(('grad_norm', 'grad_norm of discriminators'),
                         self.optimization.collect(due, *optimizers)))
        watched = {**learned.losses, 'loss': learned.loss,
                   **({} if self.optimization.handles_overflow else norms)}
        values, bad = self.finite_check.read(self.iteration, watched, learned.notes)
        if bad:
            self.finite_check.skip(self.iteration, bad + self._parameters_without_finite_gradient(),
                                   counted=not self.optimization.spoiled)
            self.optimization.spoil(*optimizers)
        if due:
            try:
                self.optimization.update(norms['grad_norm'], *optimizers)
            except OverflowError as error:
                raise NotFinite(self.iteration, [str(error)]) from error
        clipped = due and self.optimization.max_norm is not None
        values = {name: value for name, value in values.items()
                  if name not in norms or name == 'grad_norm' and clipped}
        if self.finite_check.action == 'skip':
            values['skipped_updates'] = float(self.finite_check.skipped)
        return values

    def _parameters_without_finite_gradient(self) -> List[str]:
        adversary = self.adversary.network.named_parameters() if self.adversary else ()
        return [f'gradient of {name}' for name, parameter in (*self.named_parameters(), *adversary)
                if parameter.grad is not None and not parameter.grad.isfinite().all()]

    def teachers_follow(self) -> None:
        """Move every teacher towards the student."""
        for teacher in self.teachers:
            teacher.update(self.model)

    def copy_student(self) -> None:
        """Restart the teachers and the network of the feature distance as copies of the student."""
        for teacher in self.teachers:
            teacher.network.load_state_dict(self.model.state_dict())
        if self.feature_distance is not None:
            self.feature_distance.copy_student(encoder_of(self.model))

    @property
    def needs_target(self) -> bool:
        """Whether batches must have target images."""
        return bool(self.teachers) or any(maker.needs_target for maker in self.view_makers)

    @property
    def teachers(self) -> List[EMATeacher]:
        """The teacher of the method, and the own teachers of views."""
        own = [maker.teacher for maker in self.view_makers]
        return [teacher for teacher in (self.teacher, *own) if teacher is not None]


def keep_student(module: nn.Module, state_dict: dict, prefix: str, metadata: dict) -> None:
    """State dict hook: keep the student alone, under the names of a plain segmentor."""
    student = f'{prefix}model.'
    for key in [k for k in state_dict if k.startswith(prefix)]:
        value = state_dict.pop(key)
        if key.startswith(student):
            state_dict[prefix + key[len(student):]] = value


def name_for_student(state_dict: dict, prefix: str, *unused) -> None:
    """Load hook: lead the names of a plain segmentor to the student."""
    parts = tuple(f'{prefix}{name}.' for name in ('model', 'regularizer'))
    for key in [k for k in state_dict if k.startswith(prefix) and not k.startswith(parts)]:
        state_dict[f'{prefix}model.{key[len(prefix):]}'] = state_dict.pop(key)
