"""One iteration of self-training, for every method of this package.

The step is a short list of *views* (an image, its label, a weight for each pixel) and the loss
terms on them. DAFormer, MIC, SSR and their sums differ by which parts are there::

    source view   the labelled source image
    mixed view    source classes pasted on a target image that the teacher has labelled (ClassMix)
    masked view   an image with blocks hidden (MIC)

Source and mixed views go through the shadow branch (the plain student) and, when there is a
regulariser, through the regularisation branch as well (SSR, Fig. 2).
"""
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import torch
from torch import Tensor, nn

from ..models import interface
from .class_mix import class_mix_masks, mix
from .draws import Draws
from .feature_distance import FeatureDistance
from .masked_consistency import MaskedConsistency
from .pseudo_label import PseudoLabel, pseudo_label
from .strong_augmentation import StrongAugmentation
from .teacher import EMATeacher

Losses = Dict[str, Tensor]

SOURCE = ''  # the source view's losses go by their plain names


class View(NamedTuple):
    """What one forward pass of the student is trained on."""
    img: Tensor  # B x 3 x H x W, normalised
    label: Tensor  # B x 1 x H x W
    weight: Optional[Tensor]  # B x H x W in [0, 1], None is 1 everywhere
    prefix: str  # of its losses in the log
    enhanced: Optional[str] = None  # prefix in the regularisation branch, None keeps it out of it
    scale: float = 1.  # weight of all its losses


class Batch(NamedTuple):
    """Images of both domains as the data loader gives them."""
    img: Tensor  # B x 3 x H x W, source
    label: Tensor  # B x 1 x H x W, source
    mean: Tensor  # 1 x 3 x 1 x 1, of the normalisation, in 0..255
    std: Tensor
    target_img: Optional[Tensor] = None  # B x 3 x H x W
    valid_mask: Optional[Tensor] = None  # B x 1 x H x W, 0 where pseudo-labels are not trusted


class SelfTraining(nn.Module):
    """A student and the parts that train it.

    Args:
        student: a segmentor of mmseg.
        teacher: labels target images; None trains on the source views alone.
        threshold: confidence that counts for the weight of a pseudo-label.
        ignore_top, ignore_bottom: rows of the crop without pseudo-labels.
        augmentation: colour jitter and blur of mixed images.
        feature_distance: loss term on the source view.
        masked_consistency: the masked view.
        regularizer: the regularisation branch; None is DAFormer or MIC.
        regularizer_weight: of the losses of the regularisation branch, 1 in the paper.
        joint_views: one backbone pass and one backward pass for all views: faster on an
            accelerator, and all graphs are in memory at once. The same numbers, for backbones
            without batch norm; heads go view by view either way.
        draws: the random decisions.
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
                 joint_views: bool = False,
                 draws: Optional[Draws] = None):
        super().__init__()
        self.model = student
        self.teacher = teacher
        self.threshold = threshold
        self.ignore_top, self.ignore_bottom = ignore_top, ignore_bottom
        self.augmentation = augmentation or StrongAugmentation()
        self.feature_distance = feature_distance
        self.masked_consistency = masked_consistency
        self.regularizer = regularizer
        self.regularizer_weight = regularizer_weight
        self.joint_views = joint_views
        self.draws = draws or Draws()
        self.iteration = 0

    def step(self, batch: Batch, optimizer: torch.optim.Optimizer) -> Dict[str, float]:
        """One training iteration; returns what is to be logged."""
        optimizer.zero_grad()
        log = self.forward_backward(batch)
        optimizer.step()
        self.iteration += 1
        return to_floats(log)

    def forward_backward(self, batch: Batch) -> Losses:
        """Gradients of all views; unless they are joint, one view's graph in memory at a time."""
        log: Losses = {}
        for losses in self.views(batch):
            sum(value for name, value in losses.items() if 'loss' in name).backward()
            log.update({name: value.detach() for name, value in losses.items()})
        return log

    def views(self, batch: Batch) -> Iterator[Losses]:
        """The losses of one iteration (the algorithm of DAFormer, MIC and SSR).

        View by view, or in one dict when the backbone sees all views in one pass.
        """
        self.draws.start_iteration(self.iteration)
        for teacher in self.teachers:
            teacher.update(self.model)
        views = self._views(batch)
        if not self.joint_views:
            for view in views:
                features = interface.training_features(self.model, view.img, self.draws)
                yield self._losses(view, features)
            return
        together = list(views)
        losses: Losses = {}
        for view, features in zip(together, interface.joint_training_features(
                self.model, [view.img for view in together], self.draws)):
            losses.update(self._losses(view, features))
        yield losses

    def _views(self, batch: Batch) -> Iterator[View]:
        yield View(batch.img, batch.label.long(), None, SOURCE, 'enhanced')
        pseudo = None
        if self.teacher is not None:
            pseudo = self._pseudo_label(self.teacher, batch, self.threshold)
            yield self._mixed_view(batch, pseudo)
        if self.masked_consistency is not None:
            yield self._masked_view(batch, pseudo)

    def _pseudo_label(self, teacher: EMATeacher, batch: Batch, threshold: float) -> PseudoLabel:
        logits = interface.segmentation_logits(teacher.network, batch.target_img)
        return pseudo_label(logits, threshold, self.ignore_top, self.ignore_bottom,
                            batch.valid_mask)

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
        if masked.teacher is not None and masked.needs_target and pseudo is not None:
            pseudo = self._pseudo_label(masked.teacher, batch, masked.threshold)
        view = masked.view(batch.img, batch.label.long(), batch.target_img, pseudo, batch.mean,
                           batch.std, self.draws)
        return View(*view, 'masked', scale=masked.weight)

    def _losses(self, view: View, features: Any) -> Losses:
        """Losses of a view: shadow branch, regularisation branch, feature distance."""
        head = self.model.decode_head
        losses = interface.prefixed('decode', interface.supervised_losses(
            head, features, view.label, view.weight))
        losses.update(interface.auxiliary_losses(self.model, features, view.label, view.weight))
        losses = interface.prefixed(view.prefix, interface.scaled(losses, view.scale))
        if self.regularizer is not None and view.enhanced is not None:
            context = self.regularizer.encode(view.img)
            regularized = interface.map_features(
                features, lambda maps: self.regularizer(maps, context))
            losses.update(interface.prefixed(view.enhanced, interface.scaled(
                interface.supervised_losses(head, regularized, view.label, view.weight),
                self.regularizer_weight)))
        if self.feature_distance is not None and view.prefix == SOURCE:
            losses['src.loss_imnet_feat_dist'] = self.feature_distance(
                interface.semantic_features(features),
                interface.feature_image(self.model, view.img), view.label)
        return losses

    @property
    def teachers(self) -> List[EMATeacher]:
        own = self.masked_consistency.teacher if self.masked_consistency else None
        return [teacher for teacher in (self.teacher, own) if teacher is not None]

    def training_state(self) -> Dict[str, Any]:
        """All that a checkpoint needs besides the student, to go on as if never stopped."""
        return dict(
            iteration=self.iteration,
            teachers=[teacher.training_state() for teacher in self.teachers],
            regularizer=self.regularizer.state_dict() if self.regularizer else {})

    def load_training_state(self, state: Dict[str, Any]) -> None:
        """The inverse of :meth:`training_state`.

        Raises:
            ValueError: the state is of a method with other parts.
        """
        if len(state['teachers']) != len(self.teachers) or \
                bool(state['regularizer']) != (self.regularizer is not None):
            raise ValueError(
                f'the training state has {len(state["teachers"])} teachers and '
                f'{"a" if state["regularizer"] else "no"} regulariser, this method has '
                f'{len(self.teachers)} and {"one" if self.regularizer else "none"}')
        self.iteration = int(state['iteration'])
        for teacher, teacher_state in zip(self.teachers, state['teachers']):
            teacher.load_training_state(teacher_state)
        if self.regularizer is not None:
            self.regularizer.load_state_dict(state['regularizer'])


def to_floats(log: Losses) -> Dict[str, float]:
    """All logged numbers in one copy from the device, and their sum as 'loss'."""
    values = torch.stack([value.mean().float() for value in log.values()]).tolist()
    floats = dict(zip(log, values))
    floats['loss'] = sum(value for name, value in floats.items() if 'loss' in name)
    return floats
