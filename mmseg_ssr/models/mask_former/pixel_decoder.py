"""The pixel decoder of Mask2Former (arXiv 2112.01527, Sec. 3.1 and 3.2.2)."""
from typing import List, Sequence, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigError
from ...host import ConvModule
from ..vit_adapter.deformable_attention import DeformableAttention, Shapes, cell_centers
from ..vit_adapter.feed_forward import FeedForward
from .sine_positions import sine_positions

#: Levels that the encoder sees: 1/32, 1/16, 1/8.
LEVELS = 3


class EncoderLayer(nn.Module):
    """Deformable self-attention and feed-forward network, each followed by a layer norm."""

    def __init__(self, width: int, num_heads: int, num_points: int, hidden: int):
        super().__init__()
        self.self_attn = DeformableAttention(width, num_heads, LEVELS, num_points)
        self.ffn = FeedForward(width, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

    def forward(self, tokens: Tensor, positions: Tensor, centers: Tensor, shapes: Shapes) -> Tensor:
        """Map tokens B x N x C of all levels to the same shape."""
        read = self.self_attn(tokens + positions, centers, tokens, shapes)
        tokens = self.norms[0](tokens + read)
        return self.norms[1](tokens + self.ffn(tokens))


class Encoder(nn.Module):
    """The encoder's layers, one after the other."""

    def __init__(self, num_layers: int, width: int, num_heads: int, num_points: int, hidden: int):
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(width, num_heads, num_points, hidden)
                                    for _ in range(num_layers))

    def forward(self, tokens: Tensor, positions: Tensor, centers: Tensor, shapes: Shapes) -> Tensor:
        for layer in self.layers:
            tokens = layer(tokens, positions, centers, shapes)
        return tokens


class DeformablePixelDecoder(nn.Module):
    """From the four maps of a backbone to mask features and three memories.

    A deformable transformer encoder runs over 1/32, 1/16 and 1/8 together. The map at 1/4 is added
    to its last output, as in a feature pyramid.

    Args:
        in_channels: widths of the four maps, strides 4, 8, 16, 32.
        width: C, width of everything that comes out.
        num_layers, num_heads, num_points, feedforward_channels: of the encoder.
        num_groups: groups of the group norms.

    Raises:
        ConfigError: there are other than four maps, a number is below 1, or the width does not fit
            heads or groups.
    """

    def __init__(self, in_channels: Sequence[int], width: int, num_layers: int = 6,
                 num_heads: int = 8, num_points: int = 4, feedforward_channels: int = 1024,
                 num_groups: int = 32):
        super().__init__()
        if len(in_channels) != 4:
            raise ConfigError('in_channels must be the widths of four maps (strides 4, 8, 16, 32), '
                              f'got {list(in_channels)}')
        for name, value in dict(num_layers=num_layers, num_points=num_points,
                                feedforward_channels=feedforward_channels).items():
            if value < 1:
                raise ConfigError(f'pixel_decoder: {name} must be at least 1, got {value}')
        if num_groups < 1 or width % num_groups:
            raise ConfigError('pixel_decoder: num_groups must divide feat_channels, got '
                              f'{num_groups} groups for {width} channels')
        if width % 4:
            raise ConfigError(f'feat_channels must be a multiple of 4, got {width}')
        self.width = width
        norm = dict(type='GN', num_groups=num_groups)
        self.input_convs = nn.ModuleList(  # 1/32 first
            ConvModule(channels, width, 1, norm_cfg=norm, act_cfg=None, bias=True)
            for channels in reversed(in_channels[1:]))
        self.encoder = Encoder(num_layers, width, num_heads, num_points, feedforward_channels)
        self.level_encoding = nn.Embedding(LEVELS, width)
        self.lateral_convs = nn.ModuleList([
            ConvModule(in_channels[0], width, 1, norm_cfg=norm, act_cfg=None, bias=False)])
        self.output_convs = nn.ModuleList([
            ConvModule(width, width, 3, padding=1, norm_cfg=norm, bias=False)])
        self.mask_feature = nn.Conv2d(width, width, 1)

    def init_weights(self) -> None:
        """Initialize as Mask2Former does."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.level_encoding.weight)
        for layer in self.encoder.layers:
            layer.self_attn.reset_parameters()

    def forward(self, maps: Sequence[Tensor]) -> Tuple[Tensor, List[Tensor]]:
        """Return mask features B x C x H/4 x W/4, and memories B x C x h x w, 1/32 first.

        Args:
            maps: four maps B x C_i x H/s x W/s, s = 4, 8, 16, 32.
        """
        levels = [conv(one) for conv, one in zip(self.input_convs, reversed(maps[1:]))]
        shapes = [tuple(level.shape[2:]) for level in levels]
        device = levels[0].device
        positions = torch.cat([
            sine_positions(shape, self.width, device).flatten(1).T + encoding
            for shape, encoding in zip(shapes, self.level_encoding.weight)])
        tokens = torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1)
        tokens = self.encoder(tokens, positions, cell_centers(shapes, device), shapes)
        memories = [part.transpose(1, 2).unflatten(2, shape) for part, shape
                    in zip(tokens.split([h * w for h, w in shapes], dim=1), shapes)]
        lateral = self.lateral_convs[0](maps[0])
        raised = F.interpolate(memories[-1], lateral.shape[2:], mode='bilinear',
                               align_corners=False)
        return self.mask_feature(self.output_convs[0](lateral + raised)), memories
