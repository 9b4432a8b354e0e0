"""The multi-resolution head of HRDA (arXiv 2204.13132, "Multi-Resolution Fusion")."""
from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError, nearest
from ..host import HEADS, BaseDecodeHead
from ..labels.ignore_index import IGNORE_INDEX
from ..uda import student
from ..utils.registration import register
from .crops import Box, coverage, crop, merge_crops, scale_box
from .daformer_head import CROSS_ENTROPY

#: The possible heads of a resolution, with the image pixels per logit of each.
OUTPUT_STRIDES = {'DAFormerHead': 4, 'DLV2Head': 8}


class HRDAFeatures(NamedTuple):
    """Stage maps of an image at two resolutions.

    In training there is one box. In inference the boxes slide over the image.
    """
    context: Sequence[Tensor]  # B x C_i x h_i x w_i, of the down-scaled image
    detail: Sequence[Tensor]  # n*B x C_i x h'_i x w'_i, of n crops, the first box of all B first
    boxes: Tuple[Box, ...]  # the n crops, in pixels of the image, the same for the whole batch
    #: n*B x K x h' x w', if the maps of the detail went through the head already.
    detail_logits: Optional[Tensor] = None


class HRDALogits(NamedTuple):
    """The fused logits, and the two parts that they are fused from."""
    fused: Tensor  # B x K x H x W, the image divided by the output stride
    context: Tensor  # B x K x h x w, already weighted by (1 - attention)
    detail: Tensor  # n*B x K x h' x w', one per crop
    boxes: Tuple[Box, ...]  # of the crops, in pixels of the image


@register(HEADS)
class HRDAHead(BaseDecodeHead):
    """One head for two resolutions, and an attention that says where to trust which.

    With up-sampling ``u``, scale attention ``a`` in [0, 1], zero outside the detail crops, and the
    same head for context and detail::

        fused = u((1 - a) * context) + u(a) * detail

    The loss is ``(1 - lr - hr) * L(fused) + lr * L(context) + hr * L(detail)``. The detail is
    compared with the label in its crop. As published, lr is 0 and hr is 0.1, and the context logits
    in the loss are already weighted by ``1 - a``.

    Args:
        single_scale_head: head of each resolution, 'DAFormerHead' or 'DLV2Head'.
        in_channels, num_classes, in_index, align_corners, init_cfg: as in that head.
        channels, decoder_params, dropout_ratio, norm_cfg: as in
            :class:`~mmseg_ssr.models.daformer_head.DAFormerHead`, for that head alone.
        dilations: as in :class:`~mmseg_ssr.models.dlv2_head.DLV2Head`, for that head alone.
        lr_loss_weight: weight of the context loss.
        hr_loss_weight: weight of the detail loss.
        scales: scales of context and detail. :class:`HRDAEncoderDecoder` passes its own.
        attention_embed_dim: width of the attention's decoder, if the head is a ``DAFormerHead``.
        attention_classwise: whether there is an attention per class; False has one for all classes.
        fixed_attention: a number in [0, 1] instead of a learned attention.
        loss_decode, ignore_index, sampler: as in mmseg's ``BaseDecodeHead``.

    Attributes:
        output_stride: image pixels per logit.

    Raises:
        ConfigError: single_scale_head is another head, lacks an argument or does not take it, or
            weights or attention are out of range.
    """

    def __init__(self,
                 single_scale_head: str,
                 in_channels: Union[int, Sequence[int]],
                 channels: Optional[int] = None,
                 *,
                 num_classes: int,
                 decoder_params: Optional[Dict[str, Any]] = None,
                 dilations: Optional[Sequence[int]] = None,
                 lr_loss_weight: float = 0.,
                 hr_loss_weight: float = 0.,
                 scales: Sequence[float] = (0.5, 1),
                 attention_embed_dim: int = 256,
                 attention_classwise: bool = True,
                 fixed_attention: Optional[float] = None,
                 in_index: Union[int, Sequence[int]] = (0, 1, 2, 3),
                 dropout_ratio: float = 0.1,
                 norm_cfg: Optional[dict] = None,
                 align_corners: bool = False,
                 loss_decode: Union[dict, Sequence[dict], None] = None,
                 ignore_index: int = IGNORE_INDEX,
                 sampler: Optional[dict] = None,
                 init_cfg: Optional[dict] = None):
        check_arguments(single_scale_head, lr_loss_weight, hr_loss_weight, fixed_attention)
        single = dict(type=single_scale_head, in_channels=in_channels, in_index=in_index,
                      align_corners=align_corners, init_cfg=init_cfg)
        if single_scale_head == 'DLV2Head':
            check_given('DLV2Head', needed=dict(dilations=dilations),
                        foreign=dict(channels=channels, decoder_params=decoder_params))
            single.update(dilations=dilations)
            attention = single
        else:
            check_given('DAFormerHead', foreign=dict(dilations=dilations),
                        needed=dict(channels=channels, decoder_params=decoder_params))
            single.update(channels=channels, decoder_params=decoder_params, norm_cfg=norm_cfg,
                          dropout_ratio=dropout_ratio)
            attention = dict(
                single, channels=attention_embed_dim,
                decoder_params=attention_decoder(decoder_params, attention_embed_dim))
        super().__init__(
            in_channels, channels or 1, num_classes=num_classes, in_index=in_index,
            input_transform=None if isinstance(in_index, int) else 'multiple_select',
            dropout_ratio=0, norm_cfg=norm_cfg, align_corners=align_corners,
            loss_decode=loss_decode or dict(CROSS_ENTROPY), ignore_index=ignore_index,
            sampler=sampler, init_cfg=None)
        del self.conv_seg  # the heads inside classify
        self.lr_loss_weight, self.hr_loss_weight = lr_loss_weight, hr_loss_weight
        self.context_scale = min(scales)
        self.output_stride = OUTPUT_STRIDES[single_scale_head]
        self.fixed_attention = fixed_attention
        self.head = HEADS.build(dict(single, num_classes=num_classes))
        self.scale_attention = None if fixed_attention is not None else HEADS.build(
            dict(attention, num_classes=num_classes if attention_classwise else 1))

    def forward(self, features: HRDAFeatures) -> Tensor:
        """Return fused logits B x K x H x W, the image's size divided by the output stride."""
        return self.logits(features).fused

    def logits(self, features: HRDAFeatures) -> HRDALogits:
        """Return the fused logits and their parts."""
        context = student.full_precision(self.head(features.context))
        detail = student.full_precision(
            self.head(features.detail) if features.detail_logits is None
            else features.detail_logits)
        attention = self._attention(features, context)
        context = (1 - attention) * context
        boxes = [scale_box(box, self.output_stride) for box in features.boxes]
        check_stride(detail.shape[2:], boxes[0], self.output_stride)
        # The size of the up-scaled context. Images of odd size may have a row of detail more.
        size = [max(int(length / self.context_scale), *(box[edge] for box in boxes))
                for length, edge in zip(context.shape[2:], (1, 3))]
        fused = self._resize(attention, size) * merge_crops(detail, boxes, size) \
            + self._resize(context, size)
        return HRDALogits(fused, context, detail, features.boxes)

    def _attention(self, features: HRDAFeatures, context: Tensor) -> Tensor:
        """Return the weight of the detail, B x K (or 1) x h x w in [0, 1], 0 outside the crops."""
        stride = self.output_stride / self.context_scale
        boxes = [scale_box(box, stride) for box in features.boxes]
        inside = coverage(boxes, context.shape[2:], context).clamp(max=1)
        if self.scale_attention is None:
            return self.fixed_attention * inside.expand(len(context), 1, -1, -1)
        return torch.sigmoid(self.scale_attention(features.context)) * inside

    def _resize(self, logits: Tensor, size: Sequence[int]) -> Tensor:
        return F.interpolate(logits, size=tuple(size), mode='bilinear',
                             align_corners=self.align_corners)

    def forward_train(self, inputs: HRDAFeatures, img_metas: list, gt_semantic_seg: Tensor,
                      train_cfg: Optional[dict]) -> Dict[str, Tensor]:
        """Return the losses of labeled images, for trainers outside of this package."""
        return student.supervised_losses(self, inputs, gt_semantic_seg)


def check_stride(size: Sequence[int], box: Box, stride: int) -> None:
    """Check that the logits of a crop fill its box. A clipped crop may have a row or column more.

    Raises:
        ConfigError: the logits have another stride, so they would be put in the wrong places.
    """
    place = [box[1] - box[0], box[3] - box[2]]
    if any(abs(length - wanted) > 1 for length, wanted in zip(size, place)):
        raise ConfigError(f'HRDAHead needs logits at 1/{stride} of the image, {place[0]} x '
                          f'{place[1]} for a crop, but those of this backbone are {size[0]} x '
                          f'{size[1]}: give a backbone (and neck) whose first map is at 1/{stride}')


def attention_decoder(decoder_params: Dict[str, Any], embed_dim: int) -> Dict[str, Any]:
    """Return the decoder of the scale attention: narrower, a 1 x 1 convolution for the ASPP."""
    params = dict(decoder_params, embed_dims=embed_dim)
    fusion = params.get('fusion_cfg', {})
    if fusion.get('type') == 'aspp':
        params['fusion_cfg'] = dict(type='conv', kernel_size=1, act_cfg=dict(type='ReLU'),
                                    norm_cfg=fusion.get('norm_cfg'))
    return params


def check_arguments(single_scale_head: str, lr_loss_weight: float, hr_loss_weight: float,
                    fixed_attention: Optional[float]) -> None:
    if single_scale_head not in OUTPUT_STRIDES:
        raise ConfigError('decode_head.single_scale_head of HRDAHead must be one of '
                          f'{sorted(OUTPUT_STRIDES)}, got {single_scale_head!r}'
                          f'{nearest(single_scale_head, OUTPUT_STRIDES)}')
    if min(lr_loss_weight, hr_loss_weight) < 0 or lr_loss_weight + hr_loss_weight > 1:
        raise ConfigError('decode_head.lr_loss_weight and hr_loss_weight of HRDAHead must be at '
                          'least 0 and at most 1 together, got '
                          f'{lr_loss_weight} and {hr_loss_weight}')
    if fixed_attention is not None and not 0 <= fixed_attention <= 1:
        raise ConfigError('decode_head.fixed_attention of HRDAHead must be in [0, 1], got '
                          f'{fixed_attention}')


def check_given(head: str, needed: Dict[str, Any], foreign: Dict[str, Any]) -> None:
    """Check that the arguments of the single-scale head are given, and none of another head."""
    for name, value in needed.items():
        if value is None:
            raise ConfigError(f'decode_head.{name} of HRDAHead is missing: {head} needs it')
    for name, value in foreign.items():
        if value is not None:
            raise ConfigError(f'decode_head.{name} of HRDAHead is not for {head}: remove it')


@student.prediction.register(HRDAHead)
def hrda_prediction(head: HRDAHead, features: HRDAFeatures) -> HRDALogits:
    return head.logits(features)


@student.prediction_logits.register(HRDALogits)
def fused_logits(logits: HRDALogits) -> Tensor:
    return logits.fused


@student.prediction_losses.register(HRDAHead)
def hrda_losses(head: HRDAHead, logits: HRDALogits, label: Tensor,
                weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """Return the fused loss and, under ``lr.`` and ``hr.``, those of context and detail."""
    (box, ) = logits.boxes
    losses = student.scaled(student.weighted_losses(head, logits.fused, label, weight),
                            1 - head.lr_loss_weight - head.hr_loss_weight)
    if head.lr_loss_weight > 0:
        context = student.weighted_losses(head, logits.context, label, weight)
        losses.update(student.prefixed('lr', student.scaled(context, head.lr_loss_weight)))
    if head.hr_loss_weight > 0:
        detail = student.weighted_losses(head, logits.detail, crop(label, box),
                                         None if weight is None else crop(weight, box))
        losses.update(student.prefixed('hr', student.scaled(detail, head.hr_loss_weight)))
    return losses


@student.map_features.register(HRDAFeatures)
def map_both_resolutions(features: HRDAFeatures, fn: Callable) -> HRDAFeatures:
    """Apply ``fn`` to the maps of the context and of the detail.

    The regularizer thus enhances both with one SAM map, that of the whole image, and with the same
    weights, as HRDA shares backbone and head. SAM runs once, at an input size that resolves the
    image about as well as the detail crop does. Its map need not be cropped, because
    cross-attention (SSR, Fig. 2) compares content, not positions: a query of the crop finds its
    keys in the whole map. The surroundings are context that the crop lacks.
    """
    return features._replace(context=fn(features.context), detail=fn(features.detail))


@student.semantic_features.register(HRDAFeatures)
def deepest_context(features: HRDAFeatures) -> Tensor:
    """Return the deepest map of the context: the whole image, at DAFormer's scale."""
    return features.context[-1]
