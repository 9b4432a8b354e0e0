"""A light head for one map of a foundation model (VFM-UDA, arXiv 2406.09896)."""
from typing import Optional, Sequence, Union

from timm.layers import LayerNorm2d
from torch import Tensor, nn

from ..host import HEADS, BaseDecodeHead
from ..labels.ignore_index import IGNORE_INDEX
from ..utils.registration import register
from .daformer_head import CROSS_ENTROPY


@register(HEADS)
class UpscaleHead(BaseDecodeHead):
    """Two transposed convolutions that double the map, a convolution, and the classifier.

    So a ViT with patches of 14 pixels gives logits at a stride of 3.5. The layers are those of
    VFM-UDA's published code.

    Args:
        in_channels: C, width of the map. Each doubling halves it.
        num_classes: number of classes.
        in_index: position of the map in the backbone's output.
        dropout_ratio: ratio of the channel dropout before the classifier, 0 as published.
        align_corners, loss_decode, ignore_index, sampler, init_cfg: as in mmseg's
            ``BaseDecodeHead``.
    """

    def __init__(self,
                 in_channels: int,
                 *,
                 num_classes: int,
                 in_index: int = 0,
                 dropout_ratio: float = 0.,
                 align_corners: bool = False,
                 loss_decode: Union[dict, Sequence[dict], None] = None,
                 ignore_index: int = IGNORE_INDEX,
                 sampler: Optional[dict] = None,
                 init_cfg: Optional[dict] = None):
        half, quarter = in_channels // 2, in_channels // 4
        super().__init__(
            in_channels, quarter, num_classes=num_classes, in_index=in_index,
            dropout_ratio=dropout_ratio, align_corners=align_corners,
            loss_decode=loss_decode or dict(CROSS_ENTROPY), ignore_index=ignore_index,
            sampler=sampler,
            init_cfg=init_cfg or dict(type='Normal', std=0.1, override=dict(name='conv_seg')))
        self.upscale = nn.Sequential(
            nn.ConvTranspose2d(in_channels, half, 2, stride=2, bias=False),
            LayerNorm2d(half),
            nn.GELU(),
            nn.ConvTranspose2d(half, quarter, 2, stride=2, bias=False),
            LayerNorm2d(quarter),
            nn.Conv2d(quarter, quarter, 3, padding=1, bias=False),
            LayerNorm2d(quarter))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map backbone features, B x C x h x w of the map, to logits B x K x 4h x 4w."""
        return self.cls_seg(self.upscale(self._transform_inputs(features)))
