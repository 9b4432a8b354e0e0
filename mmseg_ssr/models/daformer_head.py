"""The context-aware decoder of DAFormer (arXiv 2111.14887, Sec. 4.1, Fig. 3)."""
from typing import Any, Dict, Optional, Sequence, Union

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError, nearest
from ..host import HEADS, BaseDecodeHead
from ..labels.ignore_index import IGNORE_INDEX
from ..layers.winograd import use_winograd
from ..utils.registration import register
from .decoder_layers import build_layer

DECODER_PARAMS = ('embed_dims', 'embed_cfg', 'embed_neck_cfg', 'fusion_cfg')
CROSS_ENTROPY = dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)


@register(HEADS)
class DAFormerHead(BaseDecodeHead):
    """Head that embeds all stages to one width, resizes them to stage 1, fuses and classifies.

    Args:
        in_channels: widths of the backbone's stages.
        in_index: positions of the stages in the backbone's output.
        channels: width of the fused feature.
        num_classes: number of classes.
        decoder_params: ``embed_dims`` (one width or one per stage), ``embed_cfg`` (layer for all
            stages but the last), ``embed_neck_cfg`` (layer for the last, or 'same_as_embed_cfg')
            and ``fusion_cfg``. See :mod:`mmseg_ssr.models.decoder_layers` for the layers.
        dropout_ratio: ratio of the channel dropout before the classifier.
        norm_cfg: norm of the head's base class. The layers have their own.
        align_corners: must be False, as published.
        loss_decode, ignore_index, sampler, init_cfg: as in mmseg's ``BaseDecodeHead``.

    Raises:
        ConfigError: align_corners is True, or a key of decoder_params is unknown or missing.
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int,
                 *,
                 num_classes: int,
                 decoder_params: Dict[str, Any],
                 in_index: Sequence[int] = (0, 1, 2, 3),
                 dropout_ratio: float = 0.1,
                 norm_cfg: Optional[dict] = None,
                 align_corners: bool = False,
                 loss_decode: Union[dict, Sequence[dict], None] = None,
                 ignore_index: int = IGNORE_INDEX,
                 sampler: Optional[dict] = None,
                 init_cfg: Optional[dict] = None):
        base = dict(norm_cfg=norm_cfg, align_corners=align_corners, dropout_ratio=dropout_ratio,
                    loss_decode=loss_decode or dict(CROSS_ENTROPY), ignore_index=ignore_index,
                    sampler=sampler)
        if init_cfg is not None:
            base['init_cfg'] = init_cfg
        super().__init__(list(in_channels), channels, num_classes=num_classes,
                         in_index=list(in_index), input_transform='multiple_select', **base)
        if align_corners:
            raise ConfigError('DAFormerHead: align_corners must be False')
        embed_dims, embed, neck, fusion = self._layers_of(decoder_params)
        last = self.in_index[-1]
        self.embed_layers = nn.ModuleDict({
            str(i): build_layer(neck if i == last else embed, width, embed_dim)
            for i, width, embed_dim in zip(self.in_index, self.in_channels, embed_dims)})
        self.fuse_layer = build_layer(fusion, sum(embed_dims), self.channels)
        use_winograd(self)

    def _layers_of(self, params: Dict[str, Any]):
        for key in params:
            if key not in DECODER_PARAMS:
                raise ConfigError(f"decoder_params has no key '{key}'"
                                  f'{nearest(key, DECODER_PARAMS)}; it has {DECODER_PARAMS}')
        missing = [key for key in DECODER_PARAMS if key not in params]
        if missing:
            raise ConfigError(f'decoder_params lacks {missing}')
        embed_dims, embed, neck, fusion = (params[key] for key in DECODER_PARAMS)
        if isinstance(embed_dims, int):
            embed_dims = [embed_dims] * len(self.in_index)
        return embed_dims, embed, embed if neck == 'same_as_embed_cfg' else neck, fusion

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map backbone features to logits B x K x H_1 x W_1, at the size of the first stage."""
        size = features[0].shape[2:]
        embedded = []
        for i in self.in_index:
            feature = self.embed_layers[str(i)](features[i])
            if feature.shape[2:] != size:
                feature = F.interpolate(feature, size=size, mode='bilinear',
                                        align_corners=self.align_corners)
            embedded.append(feature)
        return self.cls_seg(self.fuse_layer(torch.cat(embedded, dim=1)))
