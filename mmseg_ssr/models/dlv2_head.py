"""The classifier of DeepLabV2 (arXiv 1606.00915, Sec. 3.2), as domain adaptation uses it."""
from typing import Optional, Sequence, Union

from torch import Tensor

from ..host import HEADS, ASPPModule, BaseDecodeHead
from ..labels.ignore_index import IGNORE_INDEX
from ..utils.registration import register
from .daformer_head import CROSS_ENTROPY


@register(HEADS)
class DLV2Head(BaseDecodeHead):
    """Sum of parallel atrous convolutions, each to the classes' logits (Fig. 7, "ASPP").

    Configs of DAFormer and MIC name two kinds: 'dlv2' with all four dilations, and 'dlv2red' with
    (6, 12), which AdaptSegNet and its successors train.

    Args:
        in_channels: width of the backbone's last stage.
        num_classes: number of classes.
        in_index: position of that stage in the backbone's output.
        dilations: dilation of each convolution.
        align_corners, loss_decode, ignore_index, sampler, init_cfg: as in mmseg's
            ``BaseDecodeHead``.
    """

    def __init__(self,
                 in_channels: int,
                 *,
                 num_classes: int,
                 in_index: int = 3,
                 dilations: Sequence[int] = (6, 12, 18, 24),
                 align_corners: bool = False,
                 loss_decode: Union[dict, Sequence[dict], None] = None,
                 ignore_index: int = IGNORE_INDEX,
                 sampler: Optional[dict] = None,
                 init_cfg: Optional[dict] = None):
        super().__init__(
            in_channels, 1, num_classes=num_classes, in_index=in_index, dropout_ratio=0,
            align_corners=align_corners, loss_decode=loss_decode or dict(CROSS_ENTROPY),
            ignore_index=ignore_index, sampler=sampler,
            init_cfg=init_cfg or dict(type='Normal', std=0.01,
                                      override=dict(name='aspp_modules')))
        del self.conv_seg  # the atrous convolutions classify
        self.aspp_modules = ASPPModule(
            tuple(dilations), in_channels, num_classes, conv_cfg=None, norm_cfg=None, act_cfg=None)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map backbone features to logits B x K x h x w, at the size of the chosen stage."""
        return sum(self.aspp_modules(self._transform_inputs(features)))
