"""The light heads of VFM-UDA (arXiv 2406.09896) and VFM-UDA++ (arXiv 2503.10685)."""
from typing import Any, Dict, Optional, Sequence, Union

from timm.layers import LayerNorm2d
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError
from ..host import HEADS, BaseDecodeHead, build_norm_layer
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


@register(HEADS)
class PyramidUpscaleHead(BaseDecodeHead):
    """Head for a pyramid: three steps from 1/32 to 1/4, each to twice the size and half the width.

    A step adds the next larger map, narrowed by a 1 x 1 convolution, and smooths the sum by a 3 x 3
    convolution, batch norm and ReLU. The classifier has no bias. Layers, names and first weights
    are those of the published code.

    Args:
        in_channels: C, the equal widths of the four maps. C is a multiple of 8.
        num_classes: number of classes.
        in_index: positions of the maps in the backbone's output, largest map first.
        norm_cfg: batch norm of the steps.
        dropout_ratio: ratio of the channel dropout before the classifier, 0 as published.
        align_corners, loss_decode, ignore_index, sampler, init_cfg: as in mmseg's
            ``BaseDecodeHead``.

    Raises:
        ConfigError: the maps are other than four of one width.
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 *,
                 num_classes: int,
                 in_index: Sequence[int] = (0, 1, 2, 3),
                 norm_cfg: Optional[Dict[str, Any]] = None,
                 dropout_ratio: float = 0.,
                 align_corners: bool = False,
                 loss_decode: Union[dict, Sequence[dict], None] = None,
                 ignore_index: int = IGNORE_INDEX,
                 sampler: Optional[dict] = None,
                 init_cfg: Optional[dict] = None):
        width = in_channels[0]
        if len(in_channels) != 4 or len(set(in_channels)) > 1 or width < 8 or width % 8:
            raise ConfigError('PyramidUpscaleHead: in_channels must be four equal multiples of 8, '
                              f'got {list(in_channels)}')
        if len(in_index) != 4 or not all(0 <= index < 4 for index in in_index):
            raise ConfigError('PyramidUpscaleHead: in_index must be four numbers of maps, 0 to 3, '
                              f'got {list(in_index)}')
        norm_cfg = norm_cfg or dict(type='SyncBN', momentum=0.01)
        super().__init__(
            list(in_channels), width // 8, num_classes=num_classes, in_index=list(in_index),
            input_transform='multiple_select', norm_cfg=norm_cfg, dropout_ratio=dropout_ratio,
            align_corners=align_corners, loss_decode=loss_decode or dict(CROSS_ENTROPY),
            ignore_index=ignore_index, sampler=sampler,
            init_cfg=init_cfg or dict(type='Normal', std=0.1, override=dict(name='conv_seg')))
        self.conv_seg = nn.Conv2d(width // 8, num_classes, 1, bias=False)
        for i in (1, 2, 3):
            inner = width >> i
            self.add_module(f'up_conv{i}', nn.ConvTranspose2d(2 * inner, inner, 2, stride=2))
            self.add_module(f'reduce_conv{i}', nn.Conv2d(width, inner, 1))
            self.add_module(f'smooth_conv{i}', nn.Conv2d(inner, inner, 3, padding=1))
            self.add_module(f'norm{i}', build_norm_layer(norm_cfg, inner)[1])
        self.smooth_conv4 = nn.Conv2d(width // 8, width // 8, 3, padding=1)

    def init_weights(self) -> None:
        """Initialize as published: Kaiming uniform, biases 0, classifier normal 0.1."""
        for name, layer in self.named_children():
            if name.startswith(('up_conv', 'reduce_conv', 'smooth_conv')):
                mode = 'fan_out' if isinstance(layer, nn.ConvTranspose2d) else 'fan_in'
                nn.init.kaiming_uniform_(layer.weight, mode=mode, nonlinearity='relu')
                nn.init.zeros_(layer.bias)
        super().init_weights()

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map four maps B x C at 1/4, 1/8, 1/16 and 1/32 to logits B x K at 1/4."""
        *larger, feature = self._transform_inputs(features)
        for i, side in enumerate(reversed(larger), start=1):
            layer = {part: getattr(self, f'{part}{i}')
                     for part in ('up_conv', 'reduce_conv', 'smooth_conv', 'norm')}
            feature = layer['smooth_conv'](layer['up_conv'](feature) + layer['reduce_conv'](side))
            feature = F.relu(layer['norm'](feature))
        return self.cls_seg(self.smooth_conv4(feature))
