"""The layers of DAFormer's decoder (arXiv 2111.14887, Sec. 4.1)."""
import inspect
from typing import Any, Callable, Dict, Optional, Sequence

import torch
from torch import Tensor, nn

from ..errors import ConfigError, nearest
from ..host import (
    ASPPModule,
    ConvModule,
    DepthwiseSeparableASPPModule,
    DepthwiseSeparableConvModule,
)
from ..layers.dilated_depthwise import DilatedDepthwiseConv2d
from ..layers.linear import Linear
from ..uda.student import resized

RELU = dict(type='ReLU')


class LinearEmbedding(nn.Module):
    """One linear layer on every pixel: B x C x H x W -> B x D x H x W."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.proj = Linear(in_channels, out_channels)

    def forward(self, feature: Tensor) -> Tensor:
        tokens = self.proj(feature.flatten(2).transpose(1, 2))  # B x H*W x D
        # Convolutions follow the memory order of their input. With channels last, a CPU may need
        # eight times as long for dilated ones in float32.
        return tokens.transpose(1, 2).contiguous().unflatten(2, feature.shape[2:])


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling, plain or depth-wise separable, with a 3 x 3 bottleneck.

    Args:
        in_channels: width of the input.
        out_channels: width of every branch and of the output.
        sep: whether the atrous convolutions are depth-wise separable.
        dilations: dilation of each branch.
        pool: whether there is an image-level branch (global average pooling).
        context_cfg: layer of this file for an additional branch; None adds none.
    """

    def __init__(self, in_channels: int, out_channels: int, sep: bool, dilations: Sequence[int],
                 pool: bool = False, norm_cfg: Optional[dict] = None,
                 act_cfg: Optional[dict] = RELU, align_corners: bool = False,
                 context_cfg: Optional[dict] = None):
        super().__init__()
        self.align_corners = align_corners
        self.image_pool = self.context_layer = None
        if pool:
            self.image_pool = nn.Sequential(
                nn.AdaptiveAvgPool2d(1),
                ConvModule(in_channels, out_channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg))
        if context_cfg is not None:
            self.context_layer = build_layer(context_cfg, in_channels, out_channels)
        module = DepthwiseSeparableASPPModule if sep else ASPPModule
        self.aspp_modules = module(
            dilations=tuple(dilations), in_channels=in_channels, channels=out_channels,
            conv_cfg=None, norm_cfg=norm_cfg, act_cfg=act_cfg)
        for branch in self.aspp_modules:
            if isinstance(branch, DepthwiseSeparableConvModule):
                branch.depthwise_conv.conv.__class__ = DilatedDepthwiseConv2d
        branches = len(dilations) + bool(pool) + (context_cfg is not None)
        self.bottleneck = ConvModule(
            branches * out_channels, out_channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg)

    def forward(self, feature: Tensor) -> Tensor:
        """Map B x C x H x W to B x ``out_channels`` x H x W."""
        branches = []
        if self.image_pool is not None:
            branches.append(resized(self.image_pool(feature), feature, self.align_corners))
        if self.context_layer is not None:
            branches.append(self.context_layer(feature))
        branches.extend(self.aspp_modules(feature))
        return self.bottleneck(torch.cat(branches, dim=1))


def identity(in_channels: int, out_channels: int) -> nn.Module:
    return nn.Identity()


def linear(in_channels: int, out_channels: int, act_cfg: Optional[dict] = None,
           norm_cfg: Optional[dict] = None) -> nn.Module:
    if act_cfg is not None or norm_cfg is not None:
        raise ConfigError("a decoder layer of type 'mlp' has no norm and no activation, got "
                          f'norm_cfg={norm_cfg}, act_cfg={act_cfg}: set both to None')
    return LinearEmbedding(in_channels, out_channels)


def conv(in_channels: int, out_channels: int, kernel_size: int,
         norm_cfg: Optional[dict] = None, act_cfg: Optional[dict] = RELU) -> nn.Module:
    return ConvModule(in_channels, out_channels, kernel_size, padding=kernel_size // 2,
                      norm_cfg=norm_cfg, act_cfg=act_cfg)


def sep_conv(in_channels: int, out_channels: int, kernel_size: int,
             norm_cfg: Optional[dict] = None, act_cfg: Optional[dict] = RELU) -> nn.Module:
    return DepthwiseSeparableConvModule(in_channels, out_channels, kernel_size,
                                        padding=kernel_size // 2, norm_cfg=norm_cfg,
                                        act_cfg=act_cfg)


def rawconv_and_aspp(in_channels: int, out_channels: int, kernel_size: int,
                     **aspp: Any) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2),
        ASPP(out_channels, out_channels, **aspp))


#: The layers by their names in configs of DAFormer, HRDA and MIC.
LAYERS: Dict[str, Callable[..., nn.Module]] = {
    'id': identity, 'mlp': linear, 'conv': conv, 'sep_conv': sep_conv, 'aspp': ASPP,
    'rawconv_and_aspp': rawconv_and_aspp,
}


def build_layer(cfg: Dict[str, Any], in_channels: int, out_channels: int) -> nn.Module:
    """Build the decoder layer that ``dict(type=..., ...)`` names.

    Raises:
        ConfigError: the type or an argument is unknown, or an argument is missing.
    """
    args = dict(cfg)
    kind = args.pop('type', None)
    if kind not in LAYERS:
        raise ConfigError(f'decoder layer type must be one of {sorted(LAYERS)}, got {kind!r}'
                          f'{nearest(kind, LAYERS)}')
    valid = set(inspect.signature(LAYERS[kind]).parameters)
    if 'aspp' in valid:  # the arguments of the ASPP behind
        valid |= set(inspect.signature(ASPP).parameters)
    valid -= {'in_channels', 'out_channels', 'aspp'}
    for key in args:
        if key not in valid:
            raise ConfigError(f"decoder layer of type '{kind}' takes no argument '{key}'"
                              f'{nearest(key, valid)}; it takes {sorted(valid)}')
    try:
        return LAYERS[kind](in_channels, out_channels, **args)
    except TypeError as error:
        raise ConfigError(f"decoder layer of type '{kind}': {error}") from error
