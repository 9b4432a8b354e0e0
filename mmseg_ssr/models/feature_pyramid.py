"""Four resolutions from one map (ViTDet, arXiv 2203.16527, Sec. 3, "Simple feature pyramid")."""
from typing import List, Sequence

from timm.layers import LayerNorm2d
from torch import Tensor, nn

from ..errors import ConfigError
from ..host import NECKS
from ..utils.registration import register


@register(NECKS)
class SimpleFeaturePyramid(nn.Module):
    """Neck from the last map of a plain ViT to maps of 4, 2, 1 and 1/2 times its size.

    Each branch scales the map (transposed convolutions, or max pooling). Then a 1 x 1 and a 3 x 3
    convolution bring it to ``out_channels``, with layer norms, as in ViTDet. With patches of 16
    pixels the strides are 4, 8, 16 and 32, with patches of 14 they are 3.5, 7, 14 and 28.

    Args:
        in_channels: C, width of the map.
        out_channels: D, width of every resulting map.
        scales: some of 4, 2, 1 and 0.5, largest map first.

    Raises:
        ConfigError: another scale is given.
    """

    def __init__(self, in_channels: int, out_channels: int,
                 scales: Sequence[float] = (4, 2, 1, 0.5)):
        super().__init__()
        self.branches = nn.ModuleList(
            branch(in_channels, out_channels, scale) for scale in scales)

    def init_weights(self) -> None:
        """Do nothing: the layers start with the initialization of ViTDet."""

    def forward(self, features: Sequence[Tensor]) -> List[Tensor]:
        """Return one map B x D x s*h x s*w per scale.

        Args:
            features: maps of a backbone, the last one B x C x h x w.
        """
        return [scaled(features[-1]) for scaled in self.branches]


def branch(channels: int, out_channels: int, scale: float) -> nn.Sequential:
    """Return the layers of one scale of the pyramid."""
    half, quarter = channels // 2, channels // 4
    resizing = {
        4: (quarter, [nn.ConvTranspose2d(channels, half, 2, stride=2), LayerNorm2d(half),
                      nn.GELU(), nn.ConvTranspose2d(half, quarter, 2, stride=2)]),
        2: (half, [nn.ConvTranspose2d(channels, half, 2, stride=2)]),
        1: (channels, []),
        0.5: (channels, [nn.MaxPool2d(2, ceil_mode=True)]),
    }
    if scale not in resizing:
        raise ConfigError(f'scales of SimpleFeaturePyramid must be some of {list(resizing)}, got '
                          f'{scale}')
    width, layers = resizing[scale]
    return nn.Sequential(
        *layers,
        nn.Conv2d(width, out_channels, 1, bias=False), LayerNorm2d(out_channels),
        nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False), LayerNorm2d(out_channels))
