"""A segmentor with SSR's regularization branch, for supervised training in any mmseg project."""
import inspect
from typing import Any, Dict, Optional, Sequence, Union

from torch import Tensor, nn

from ..errors import ConfigError
from ..host import SEGMENTORS, TRAIN_CFG, EncoderDecoder, head_losses, preprocessing
from ..regularizer import build_regularizer
from ..uda import student
from ..utils.registration import register
from .slide import slide_inference


@register(SEGMENTORS)
class SSREncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder`` whose backbone features are regularized in training.

    Two branches go through the same decode head, and their losses are summed. The shadow branch is
    the plain model. The regularization branch sees features enhanced by cross-attention to the map
    of a frozen encoder, SAM's in the paper (SSR, Fig. 2). Only the shadow branch is saved. Built
    for testing (``train_cfg=None``, as mmseg's test script does) it *is* an ``EncoderDecoder``: no
    encoder, no further parameter, the very same operations.

    Args:
        backbone, neck: as in mmseg's ``EncoderDecoder``. Backbone and neck together must give at
            least the stages that are regularized.
        decode_head, auxiliary_head, train_cfg, test_cfg, pretrained, init_cfg: as in mmseg's
            ``EncoderDecoder``.
        data_preprocessor: as in mmseg 1.x.
        regularizer: arguments of :func:`~mmseg_ssr.regularizer.build_regularizer`.

    Raises:
        ConfigError: it is trained without a regularizer or with ``train_cfg=None``.
    """

    def __init__(self,
                 backbone: dict,
                 decode_head: dict,
                 regularizer: Optional[Dict[str, Any]] = None,
                 neck: Optional[dict] = None,
                 auxiliary_head: Union[dict, Sequence[dict], None] = None,
                 train_cfg: Optional[dict] = TRAIN_CFG,
                 test_cfg: Optional[dict] = None,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None,
                 data_preprocessor: Optional[dict] = None):
        super().__init__(
            backbone=backbone, decode_head=decode_head, neck=neck, auxiliary_head=auxiliary_head,
            train_cfg=train_cfg, test_cfg=test_cfg, pretrained=pretrained, init_cfg=init_cfg,
            **preprocessing(data_preprocessor))
        self.regularizer = None
        if train_cfg is not None:
            if regularizer is None:
                raise ConfigError('SSREncoderDecoder: regularizer=dict(encoder=dict(...)) is '
                                  'missing; use EncoderDecoder to train without one')
            self.regularizer = build_regularizer(self, **regularizer)
        self._register_state_dict_hook(drop_regularizer)

    def forward_train(self, img: Tensor, img_metas: list, gt_semantic_seg: Tensor,
                      seg_weight: Optional[Tensor] = None,
                      return_feat: bool = False) -> Dict[str, Any]:
        """Return the losses of both branches: ``decode.*`` (and ``aux*``) and ``enhanced.*``.

        The last two arguments are of DAFormer, HRDA and MIC, whose ``DACS`` gives them.

        Args:
            gt_semantic_seg: B x 1 x H x W.
            seg_weight: weight of each pixel in the losses, B x H x W. None is 1 everywhere.
            return_feat: also return the backbone's stage maps, as ``features``.
        """
        if self.regularizer is None:
            raise ConfigError('SSREncoderDecoder was built for testing (train_cfg=None): set '
                              'model.train_cfg=dict() to train it')
        if 'return_feat' in inspect.signature(EncoderDecoder.forward_train).parameters:
            losses = super().forward_train(  # of MIC, which draws pictures of it
                img, img_metas, gt_semantic_seg, seg_weight=seg_weight, return_feat=True)
        else:
            losses = dict(features=self.extract_feat(img))
            for prefix, head in student.heads(self).items():
                losses.update(student.prefixed(prefix, self._head_losses(
                    head, losses['features'], img_metas, gt_semantic_seg, seg_weight)))
        features = losses['features'] if return_feat else losses.pop('features')
        enhanced = self.regularizer(features, self.regularizer.encode(img))
        losses.update(student.prefixed('enhanced', self._head_losses(
            self.decode_head, enhanced, img_metas, gt_semantic_seg, seg_weight)))
        return losses

    def _head_losses(self, head: nn.Module, features: Sequence[Tensor], img_metas: list,
                     label: Tensor, weight: Optional[Tensor]) -> Dict[str, Tensor]:
        if weight is None:
            return head_losses(head, features, img_metas, label, self.train_cfg)
        return student.supervised_losses(head, features, label, weight)

    def slide_inference(self, img: Tensor, img_meta: list, rescale: bool = False) -> Tensor:
        """See :func:`~mmseg_ssr.models.slide.slide_inference`."""
        return slide_inference(self, img, img_meta, rescale)

    def training_state(self) -> Dict[str, Any]:
        """Return the state that a checkpoint needs besides the shadow branch to go on training."""
        return dict(regularizer=self.regularizer.state_dict())

    def load_training_state(self, state: Dict[str, Any]) -> None:
        """Load the result of :meth:`training_state`."""
        self.regularizer.load_state_dict(state['regularizer'])


def drop_regularizer(module: nn.Module, state_dict: dict, prefix: str, metadata: dict) -> None:
    """State dict hook: save the shadow branch alone (docs/contracts.md, C1)."""
    for key in [k for k in state_dict if k.startswith(f'{prefix}regularizer.')]:
        del state_dict[key]
