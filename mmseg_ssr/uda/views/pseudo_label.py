"""Pseudo-labels and their quality weight (DAFormer, arXiv 2111.14887, Sec. 3)."""
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional

import torch
from torch import Tensor

from ... import distributed
from ...errors import ConfigError
from ...regularizer import build_encoder
from ...regularizer.frozen import FrozenNetwork
from .. import student
from ..encoder_maps import EncoderMaps
from ..keys import KeyGroup, key
from ..update.teacher import EMATeacher
from .label_affinity import LabelAffinity
from .view import Batch, PseudoLabel


@dataclass(frozen=True)
class PseudoLabelKeys(KeyGroup):
    """Keys of the pseudo-labels: their weights, and the teacher's branch that gives them."""

    pseudo_threshold: float = key(
        0.968, 'Confidence threshold of pseudo-labels.', least=0, most=1)
    pseudo_weight_ignore_top: int = key(
        0, 'Rows at the top of the crop whose pseudo-labels are not trusted.', least=0)
    pseudo_weight_ignore_bottom: int = key(
        0, 'Rows at the bottom of the crop whose pseudo-labels are not trusted.', least=0)
    pseudo_label_branch: str = key(
        'shadow', "Branch of the teacher that labels: 'shadow', as in the paper, or 'regularized'. "
        "With 'regularized' the regularizer enhances the teacher's features first, so that the "
        'pseudo-labels also use the frozen encoder. This takes one more pass of the encoder, over '
        'the target images.', choices=('shadow', 'regularized'))
    pseudo_label_mirror: bool = key(
        False, 'Whether pseudo-labels come from the mean probabilities of the image and of its '
        'mirror image, as in VFM-UDA++.')
    pseudo_label_affinity: Optional[float] = key(
        None, 'Temperature at which pseudo-labels are made to agree with what the frozen encoder '
        'finds alike in the image, 0.1 for SAM. None is off, as in the paper.', above=0)
    pseudo_label_encoder: Optional[Dict[str, Any]] = key(
        None, 'Frozen encoder of `pseudo_label_affinity`, with the keys of `regularizer.encoder`. '
        "None takes SSR's.")

    def check(self) -> None:
        if self.pseudo_label_encoder is not None and self.pseudo_label_affinity is None:
            raise ConfigError('uda.pseudo_label_encoder is for pseudo_label_affinity, which is '
                              'off: set pseudo_label_affinity=0.1, or remove it')

    def encoder(self) -> Optional[FrozenNetwork]:
        """Build the encoder of the labels' own; None if they have none."""
        if self.pseudo_label_encoder is None:
            return None
        return build_encoder(self.pseudo_label_encoder)

    def build(self, teacher: Optional[EMATeacher], maps: EncoderMaps) -> 'PseudoLabeler':
        """Build the labeler for the teacher and the encoder, if there are any."""
        regularized = self.pseudo_label_branch == 'regularized'
        if regularized and (teacher is None or maps.regularizer is None):
            raise ConfigError("uda.pseudo_label_branch='regularized' needs SSR's regularizer and a "
                              "teacher that labels target images (type='SSR'): set it to 'shadow'")
        affinity = None
        if self.pseudo_label_affinity is not None:
            if maps.regularizer is not None and maps.encoder is not None:
                raise ConfigError("uda.pseudo_label_encoder is for methods without SSR's "
                                  'regularizer, whose encoder serves both: remove it')
            if not maps.encodes:
                raise ConfigError('uda.pseudo_label_affinity needs a frozen encoder: give '
                                  "pseudo_label_encoder, or SSR's regularizer (type='SSR')")
            affinity = LabelAffinity(self.pseudo_label_affinity, maps)
        return PseudoLabeler(self.pseudo_threshold, self.pseudo_weight_ignore_top,
                             self.pseudo_weight_ignore_bottom, maps if regularized else None,
                             self.pseudo_label_mirror, affinity)


class PseudoLabeler:
    """Labels target images by a teacher's most likely classes.

    Args:
        threshold: confidence from which a pixel counts as confident.
        ignore_top, ignore_bottom: rows of the crop whose pseudo-labels get weight 0.
        maps: maps of the frozen encoder, whose regularizer enhances the teacher's features. None
            labels by the shadow branch, as in the paper.
        mirror: whether to average the probabilities of the image and of its mirror image.
        affinity: makes the labels agree with a frozen encoder's map; None leaves them.
    """

    def __init__(self, threshold: float = 0.968, ignore_top: int = 0, ignore_bottom: int = 0,
                 maps: Optional[EncoderMaps] = None, mirror: bool = False,
                 affinity: Optional[LabelAffinity] = None):
        self.threshold = threshold
        self.ignore_top, self.ignore_bottom = ignore_top, ignore_bottom
        self.maps, self.mirror, self.affinity = maps, mirror, affinity

    def __call__(self, teacher: EMATeacher, batch: Batch,
                 threshold: Optional[float] = None) -> PseudoLabel:
        """Return the teacher's pseudo-labels of the target images.

        Args:
            threshold: replaces the labeler's threshold; None keeps it.
        """
        logits = self._logits(teacher, batch.target_img)
        if self.mirror:
            mirrored = self._logits(teacher, batch.target_img.flip(3)).flip(3)
            # logarithms are logits of the same probabilities
            logits = ((logits.softmax(1) + mirrored.softmax(1)) / 2).log()
        found = pseudo_label(logits, self.threshold if threshold is None else threshold,
                             self.ignore_top, self.ignore_bottom, batch.valid_mask)
        if self.affinity is None:
            return found
        return found._replace(label=self.affinity(logits, batch.target_img))

    def _logits(self, teacher: EMATeacher, img: Tensor) -> Tensor:
        return student.segmentation_logits(teacher.network, img, self._enhancement(img))

    def _enhancement(self, img: Tensor) -> Optional[Callable]:
        """Return the function that enhances the teacher's maps of ``img``, or None."""
        if self.maps is None:
            return None
        context = self.maps.of_image(img)
        # the windows of an image (HRDA) share its map
        return lambda features: self.maps.regularizer(
            features, context.repeat(len(features[0]) // len(context), 1, 1, 1))


def pseudo_label(logits: Tensor,
                 threshold: float,
                 ignore_top: int = 0,
                 ignore_bottom: int = 0,
                 valid_mask: Optional[Tensor] = None) -> PseudoLabel:
    """Return the most likely class of each pixel, weighted by the share of confident pixels.

    The weight is the share of pixels whose largest softmax probability is at least ``threshold``.
    As in the published code, it is one number for the whole batch of all processes. The paper has
    one per image. Rows that get weight 0 still count in that share.

    Args:
        logits: B x K x H x W of the teacher.
        threshold: in [0, 1], 0.968 in the paper.
        ignore_top, ignore_bottom: rows of the crop that get weight 0, because of rectification
            artifacts and the ego vehicle. They fit only crops of full image height.
        valid_mask: B x 1 x H x W or B x H x W of 0 and 1. Where it is 0 the weight is 0. Its
            zeros are the margins of the *full image* that fall into the crop.

    Raises:
        ConfigError: see :func:`check_rows`.
    """
    check_rows(ignore_top, ignore_bottom, logits.shape[2])
    probability, label = torch.softmax(logits, dim=1).max(dim=1)
    share = distributed.mean((probability >= threshold).sum() / label.numel())
    trusted = torch.ones_like(label, dtype=torch.bool)
    trusted[:, :ignore_top] = False
    trusted[:, label.shape[1] - ignore_bottom:] = False
    if valid_mask is not None:
        trusted &= valid_mask.reshape(label.shape) > 0
    return PseudoLabel(label.unsqueeze(1), share.to(logits.dtype) * trusted, trusted)


def check_rows(ignore_top: int, ignore_bottom: int, height: int) -> None:
    """Raise a :class:`ConfigError` if the rows without weight are the whole crop of ``height``."""
    if ignore_top + ignore_bottom >= height:
        raise ConfigError(
            f'uda.pseudo_weight_ignore_top={ignore_top} and uda.pseudo_weight_ignore_bottom='
            f'{ignore_bottom} leave no row of the crops, which are {height} pixels high: no '
            'pseudo-label would count')
