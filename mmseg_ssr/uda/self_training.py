"""One iteration of self-training, for every method of this package.

The step is a short list of *views* (an image, its label, a weight for each pixel) and the loss
terms on them. DAFormer, MIC, SSR and their sums differ by which parts are there::

    source view   the labelled source image
    mixed view    source classes pasted on a target image that the teacher has labelled (ClassMix)
    masked view   an image with blocks hidden (MIC)

Source and mixed views go through the shadow branch (the plain student) and, when there is a
regulariser, through the regularisation branch as well (SSR, Fig. 2).
"""
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

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


class View(NamedTuple):
    """What one forward pass of the student is trained on."""
    img: Tensor  # B x 3 x H x W, normalised
    label: Tensor  # B x 1 x H x W
    weight: Optional[Tensor] = None  # B x H x W in [0, 1], None is 1 everywhere


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
        """Gradients of all views, one view's graph in memory at a time."""
        log: Losses = {}
        for losses in self.views(batch):
            sum(value for name, value in losses.items() if 'loss' in name).backward()
            log.update({name: value.detach() for name, value in losses.items()})
        return log

    def views(self, batch: Batch) -> Iterator[Losses]:
        """The losses of one iteration, view by view (the algorithm of DAFormer, MIC and SSR)."""
        self.draws.start_iteration(self.iteration)
        for teacher in self.teachers:
            teacher.update(self.model)

        yield self._source_losses(batch)

        pseudo = None
        if self.teacher is not None:
            pseudo = self._pseudo_label(self.teacher, batch, self.threshold)
            yield self._supervised_losses(self._mixed_view(batch, pseudo),
                                          ('mix.decode', 'mix', 'enhanced_mix'))[0]
        if self.masked_consistency is not None:
            yield self._masked_losses(batch, pseudo)

    def _source_losses(self, batch: Batch) -> Losses:
        losses, features = self._supervised_losses(
            View(batch.img, batch.label), ('decode', '', 'enhanced'))
        if self.feature_distance is not None:
            losses['src.loss_imnet_feat_dist'] = self.feature_distance(
                interface.semantic_features(features),
                interface.feature_image(self.model, batch.img), batch.label)
        return losses

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
            mix(masks.squeeze(1), torch.ones_like(pseudo.weight), pseudo.weight))

    def _masked_losses(self, batch: Batch, pseudo: Optional[PseudoLabel]) -> Losses:
        masked = self.masked_consistency
        if masked.teacher is not None and masked.needs_target and pseudo is not None:
            pseudo = self._pseudo_label(masked.teacher, batch, masked.threshold)
        view = View(*masked.view(batch.img, batch.label.long(), batch.target_img, pseudo,
                                 batch.mean, batch.std, self.draws))
        features = interface.training_features(self.model, view.img, self.draws)
        losses = interface.supervised_losses(
            self.model.decode_head, features, view.label, view.weight)
        return interface.prefixed(
            'masked.decode', interface.scaled(losses, masked.weight))

    def _supervised_losses(self, view: View, names: Tuple[str, str, str]) -> Tuple[Losses, Any]:
        """Losses of a view in the shadow branch and, if there is one, the regularisation branch.

        Args:
            names: prefixes of the log: decode head, auxiliary heads, regularisation branch.
        """
        decode, auxiliary, enhanced = names
        label = view.label.long()
        head = self.model.decode_head
        features = interface.training_features(self.model, view.img, self.draws)
        losses = interface.prefixed(
            decode, interface.supervised_losses(head, features, label, view.weight))
        extra = interface.auxiliary_losses(self.model, features, label, view.weight)
        losses.update(interface.prefixed(auxiliary, extra) if auxiliary else extra)
        if self.regularizer is not None:
            context = self.regularizer.encode(view.img)
            regularized = interface.map_features(
                features, lambda maps: self.regularizer(maps, context))
            losses.update(interface.prefixed(enhanced, interface.scaled(
                interface.supervised_losses(head, regularized, label, view.weight),
                self.regularizer_weight)))
        return losses, features

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
