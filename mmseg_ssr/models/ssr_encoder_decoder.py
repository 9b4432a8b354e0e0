"""A segmentor with SSR's regularization branch, for supervised training in any mmseg project."""
from typing import Any, Dict, Optional, Sequence, Union

import torch
from mmseg.core import add_prefix
from mmseg.models.builder import SEGMENTORS
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

from ..errors import ConfigError
from ..regularizer import FeatureRegularizer, build_encoder
from ..utils.registration import register
from .hrda_encoder_decoder import HRDAEncoderDecoder
from .slide import slide_inference


@register(SEGMENTORS)
class SSREncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder`` whose backbone features are regularized in training.

    Both branches go through the same decode head and their losses are summed: the shadow branch
    is the plain model, the regularization branch sees features enhanced by cross-attention to
    the map of a frozen encoder, SAM's in the paper (SSR, Fig. 2). Only the shadow branch is
    saved. Built for testing (``train_cfg=None``, as mmseg's test script does) it *is* an
    ``EncoderDecoder``: no encoder, no further parameter, the very same operations.

    Args:
        backbone, neck: as in mmseg's ``EncoderDecoder``; together they must give at least the
            stages that are regularized.
        decode_head, auxiliary_head, train_cfg, test_cfg, pretrained, init_cfg: as in mmseg's
            ``EncoderDecoder``.
        regularizer: arguments of :func:`build_regularizer`.

    Raises:
        ConfigError: trained without a regularizer or with ``train_cfg=None``.
    """

    def __init__(self,
                 backbone: dict,
                 decode_head: dict,
                 regularizer: Optional[Dict[str, Any]] = None,
                 neck: Optional[dict] = None,
                 auxiliary_head: Union[dict, Sequence[dict], None] = None,
                 train_cfg: Optional[dict] = None,
                 test_cfg: Optional[dict] = None,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None):
        super().__init__(
            backbone=backbone, decode_head=decode_head, neck=neck, auxiliary_head=auxiliary_head,
            train_cfg=train_cfg, test_cfg=test_cfg, pretrained=pretrained, init_cfg=init_cfg)
        self.regularizer = None
        if train_cfg is not None:
            if regularizer is None:
                raise ConfigError('SSREncoderDecoder: regularizer=dict(encoder=dict(...)) is '
                                  'missing; use EncoderDecoder to train without one')
            self.regularizer = build_regularizer(self, **regularizer)
        self._register_state_dict_hook(drop_regularizer)

    def forward_train(self, img: Tensor, img_metas: list,
                      gt_semantic_seg: Tensor) -> Dict[str, Tensor]:
        """Losses of both branches: ``decode.*`` (and ``aux*``) and ``enhanced.*``."""
        if self.regularizer is None:
            raise ConfigError('SSREncoderDecoder was built for testing (train_cfg=None): set '
                              'model.train_cfg=dict() to train it')
        features = self.extract_feat(img)
        losses = self._decode_head_forward_train(features, img_metas, gt_semantic_seg)
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train(features, img_metas, gt_semantic_seg))
        enhanced = self.regularizer(features, self.regularizer.encode(img))
        losses.update(add_prefix(
            self.decode_head.forward_train(enhanced, img_metas, gt_semantic_seg, self.train_cfg),
            'enhanced'))
        return losses

    def slide_inference(self, img: Tensor, img_meta: list, rescale: bool) -> Tensor:
        """See :func:`~mmseg_ssr.models.slide.slide_inference`."""
        return slide_inference(self, img, img_meta, rescale)

    def training_state(self) -> Dict[str, Any]:
        """What a checkpoint needs besides the shadow branch to go on training."""
        return dict(regularizer=self.regularizer.state_dict())

    def load_training_state(self, state: Dict[str, Any]) -> None:
        """The inverse of :meth:`training_state`."""
        self.regularizer.load_state_dict(state['regularizer'])


def drop_regularizer(module: nn.Module, state_dict: dict, prefix: str, metadata: dict) -> None:
    """State dict hook: what is saved is the shadow branch alone (contract C1)."""
    for key in [k for k in state_dict if k.startswith(f'{prefix}regularizer.')]:
        del state_dict[key]


def build_regularizer(segmentor: nn.Module,
                      encoder: Dict[str, Any],
                      stages: Sequence[int] = (0, 1, 2, 3),
                      channels: Optional[Sequence[int]] = None,
                      num_heads: Optional[Sequence[int]] = None,
                      add_map: bool = False) -> FeatureRegularizer:
    """The regularization branch for a segmentor.

    Args:
        encoder: the frozen encoder, ``dict(type='sam', ...)`` with the arguments of
            :class:`~mmseg_ssr.regularizer.FrozenSAMEncoder` (also without a type), or
            ``dict(type='timm', ...)`` with those of
            :class:`~mmseg_ssr.regularizer.FrozenTimmEncoder`, or of a type of your own, see
            :func:`~mmseg_ssr.regularizer.register_encoder`.
        stages: which stages are enhanced (the paper's Table I).
        channels: widths of the stages; measured on the segmentor when not given.
        num_heads: heads per stage; for the widths of MiT-B1..B5 and B0 the published 1, 2, 5, 8,
            for others the largest of 8, 4, 2, 1 that divides the width.
        add_map: add the encoder's projected map to the features as well, see
            :class:`~mmseg_ssr.regularizer.FeatureRegularizer`; not with HRDA, whose detail crop is
            a part of the map's view.
    """
    if add_map and isinstance(segmentor, HRDAEncoderDecoder):
        raise ConfigError('regularizer.add_map: the map of the whole image does not lie on the '
                          "features of HRDA's detail crop: set it to False")
    try:
        return FeatureRegularizer(build_encoder(encoder), channels or feature_channels(segmentor),
                                  num_heads, stages, add_map)
    except (TypeError, ValueError) as error:
        raise ConfigError(f'regularizer: {error}') from error


def feature_channels(segmentor: nn.Module) -> Sequence[int]:
    """Widths of the maps that backbone and neck give, measured on a small blank image."""
    was_training = segmentor.training
    parameter = next(segmentor.parameters())
    segmentor.eval()
    with torch.no_grad():
        features = EncoderDecoder.extract_feat(
            segmentor, torch.zeros(1, 3, 64, 64, device=parameter.device, dtype=parameter.dtype))
    segmentor.train(was_training)
    return tuple(feature.shape[1] for feature in features)
