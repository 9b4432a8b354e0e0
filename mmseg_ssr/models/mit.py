"""Mix Transformer encoders MiT-B0..B5 (SegFormer, arXiv 2105.15203, Sec. 3.1).

Parameter names are SegFormer's (``patch_embed1.proj``, ``block1.0.attn.q``, ...), so its ImageNet
weights and the checkpoints of DAFormer, HRDA, MIC and SSR load as they are. Weights that OpenMMLab
and Hugging Face publish are renamed when they are read.
"""
import math
from functools import partial
from typing import List, Optional, Sequence, Tuple

from timm.layers import DropPath, trunc_normal_
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ..errors import CheckpointError, ConfigError
from ..host import BACKBONES, BaseModule
from ..layers.gelu_linear import gelu_linear
from ..layers.linear import Linear, linear
from ..utils.registration import register
from ..weights import check_values, read_weights
from ..weights.mit_layouts import segformer_layout

# B images, C channels, N = H * W tokens, h heads, c = C / h, M keys after spatial reduction

LayerNorm = partial(nn.LayerNorm, eps=1e-6)


def to_map(tokens: Tensor, size: Tuple[int, int]) -> Tensor:
    """Reshape B x N x C to B x C x H x W."""
    return tokens.transpose(1, 2).unflatten(2, size)


def to_tokens(feature: Tensor) -> Tensor:
    """Reshape B x C x H x W to B x N x C."""
    return feature.flatten(2).transpose(1, 2)


class EfficientSelfAttention(nn.Module):
    """Self-attention whose keys and values come from a map reduced ``sr_ratio`` times (Eq. 2).

    Attributes:
        convolves: whether to reduce by the convolution itself. It is slower, but a graph for images
            of any size can hold it.
    """

    convolves = False

    def __init__(self, channels: int, num_heads: int, sr_ratio: int):
        super().__init__()
        if num_heads < 1 or channels % num_heads:
            raise ConfigError(f'num_heads must divide the width of its stage, got {num_heads} '
                              f'heads for {channels} channels')
        self.num_heads = num_heads
        self.q = Linear(channels, channels)
        self.kv = Linear(channels, 2 * channels)
        self.proj = Linear(channels, channels)
        self.sr_ratio = sr_ratio
        if sr_ratio > 1:
            self.sr = nn.Conv2d(channels, channels, kernel_size=sr_ratio, stride=sr_ratio)
            self.norm = nn.LayerNorm(channels)

    def forward(self, tokens: Tensor, size: Tuple[int, int]) -> Tensor:
        """Map tokens B x N x C of a map of ``size`` (H, W) to B x N x C."""
        reduced = self.norm(self._reduce(tokens, size)) if self.sr_ratio > 1 else tokens
        q = self._split_heads(self.q(tokens))  # B x h x N x c
        k, v = (self._split_heads(t) for t in self.kv(reduced).chunk(2, dim=-1))  # B x h x M x c
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.proj(attended.transpose(1, 2).flatten(2))

    def _reduce(self, tokens: Tensor, size: Tuple[int, int]) -> Tensor:
        """Map B x N x C to B x M x C by the strided convolution, as a linear layer on its patches.

        The patches do not overlap, and the channels of tokens are last already. Like the
        convolution, it leaves out the rest at the right and lower border.
        """
        if self.convolves:
            return to_tokens(self.sr(to_map(tokens, size)))
        side = self.sr_ratio
        rows, columns = size[0] // side, size[1] // side
        grid = tokens.unflatten(1, size)[:, :rows * side, :columns * side]
        patches = grid.unflatten(2, (columns, side)).unflatten(1, (rows, side)).transpose(2, 3)
        weight = self.sr.weight.permute(0, 2, 3, 1).flatten(1)  # C x side*side*C
        return linear(patches.flatten(3).flatten(1, 2), weight, self.sr.bias)

    def _split_heads(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


class DepthwiseConv(nn.Module):
    """3 x 3 depth-wise convolution on tokens. It tells positions apart."""

    def __init__(self, channels: int):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, tokens: Tensor, size: Tuple[int, int]) -> Tensor:
        return to_tokens(self.dwconv(to_map(tokens, size)))


class MixFFN(nn.Module):
    """Feed-forward network with a depth-wise convolution inside (Eq. 3)."""

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.fc1 = Linear(channels, hidden)
        self.dwconv = DepthwiseConv(hidden)
        self.fc2 = Linear(hidden, channels)

    def forward(self, tokens: Tensor, size: Tuple[int, int]) -> Tensor:
        return gelu_linear(self.fc2, self.dwconv(self.fc1(tokens), size))


class Block(nn.Module):
    """Pre-norm transformer block with stochastic depth."""

    def __init__(self, channels: int, num_heads: int, mlp_ratio: int, sr_ratio: int,
                 drop_path: float):
        super().__init__()
        self.norm1 = LayerNorm(channels)
        self.attn = EfficientSelfAttention(channels, num_heads, sr_ratio)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()
        self.norm2 = LayerNorm(channels)
        self.mlp = MixFFN(channels, mlp_ratio * channels)

    def forward(self, tokens: Tensor, size: Tuple[int, int]) -> Tensor:
        tokens = tokens + self.drop_path(self.attn(self.norm1(tokens), size))
        return tokens + self.drop_path(self.mlp(self.norm2(tokens), size))


class OverlapPatchEmbed(nn.Module):
    """Overlapping patches: a strided convolution and a norm."""

    def __init__(self, patch_size: int, stride: int, in_channels: int, channels: int):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, patch_size, stride, padding=patch_size // 2)
        self.norm = nn.LayerNorm(channels)

    def forward(self, feature: Tensor) -> Tuple[Tensor, Tuple[int, int]]:
        feature = self.proj(feature)
        return self.norm(to_tokens(feature)), tuple(feature.shape[2:])


class MiT(BaseModule):
    """Mix Transformer: images B x 3 x H x W -> four maps at 1/4, 1/8, 1/16 and 1/32.

    Args:
        embed_dims: channels of the four stages.
        depths: blocks of the four stages.
        num_heads, mlp_ratios, sr_ratios: per stage.
        drop_path_rate: stochastic depth of the last block, growing linearly from 0.
        in_chans: channels of the image.
        pretrained: file of ImageNet weights as published by SegFormer, OpenMMLab or Hugging Face
            (``nvidia/mit-b5``); None starts from scratch.
        init_cfg: the same in mmcv's form, ``dict(type='Pretrained', checkpoint=FILE)``.
        style: accepted and ignored, as in the configs of SegFormer and DAFormer.
        with_cp: gradient checkpointing. It keeps only the input of each block and runs the block
            again in the backward pass, with the same random numbers and so the same gradients.
    """

    def __init__(self,
                 embed_dims: Sequence[int] = (64, 128, 320, 512),
                 depths: Sequence[int] = (3, 4, 6, 3),
                 num_heads: Sequence[int] = (1, 2, 5, 8),
                 mlp_ratios: Sequence[int] = (4, 4, 4, 4),
                 sr_ratios: Sequence[int] = (8, 4, 2, 1),
                 drop_path_rate: float = 0.1,
                 in_chans: int = 3,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None,
                 style: Optional[str] = None,
                 with_cp: bool = False):
        super().__init__()
        if pretrained is not None and init_cfg is not None:
            raise ConfigError('backbone: give pretrained or init_cfg, not both')
        self.embed_dims = tuple(embed_dims)
        self.with_cp = with_cp
        self.pretrained = pretrained or (init_cfg or {}).get('checkpoint')
        last = max(sum(depths) - 1, 1)
        rates = [drop_path_rate * i / last for i in range(sum(depths))]
        widths = (in_chans, *embed_dims)
        for i in range(4):
            patch, stride = (7, 4) if i == 0 else (3, 2)
            blocks = [Block(embed_dims[i], num_heads[i], mlp_ratios[i], sr_ratios[i], rates.pop(0))
                      for _ in range(depths[i])]
            self.add_module(f'patch_embed{i + 1}',
                            OverlapPatchEmbed(patch, stride, widths[i], widths[i + 1]))
            self.add_module(f'block{i + 1}', nn.ModuleList(blocks))
            self.add_module(f'norm{i + 1}', LayerNorm(embed_dims[i]))

    def init_weights(self) -> None:
        """Initialize as SegFormer does, or load the pretrained weights.

        Raises:
            MissingFile, CheckpointError: the weights file is missing or belongs to another network.
        """
        if self.pretrained is None:
            self.apply(initialize)
            return
        weights = read_weights(self.pretrained)
        try:
            weights = segformer_layout(weights)
            missing, unexpected = self.load_state_dict(weights, strict=False)
        except (RuntimeError, IndexError) as error:
            raise CheckpointError(f'{self.pretrained} belongs to another network: its shapes '
                                  f'differ from those of {type(self).__name__}; give the file of '
                                  'this variant') from error
        if missing:
            raise CheckpointError(
                f'{self.pretrained} is no file of ImageNet weights for {type(self).__name__}: '
                f'{len(missing)} weights are not in it, the first is {missing[0]}')
        deeper = [name for name in unexpected if name.startswith('block')]
        if deeper:
            raise CheckpointError(
                f'{self.pretrained} belongs to a larger network than {type(self).__name__}: it '
                f'has {len(deeper)} more weights, the first is {deeper[0]}; give the file of this '
                'variant')
        check_values(weights, self.state_dict(), self.pretrained)

    def forward(self, img: Tensor) -> Tuple[Tensor, ...]:
        features: List[Tensor] = []
        feature = img
        for i in range(1, 5):
            tokens, size = getattr(self, f'patch_embed{i}')(feature)
            for block in getattr(self, f'block{i}'):
                if self.with_cp and tokens.requires_grad:
                    tokens = checkpoint(block, tokens, size, use_reentrant=False)
                else:
                    tokens = block(tokens, size)
            feature = to_map(getattr(self, f'norm{i}')(tokens), size).contiguous()
            features.append(feature)
        return tuple(features)


def initialize(module: nn.Module) -> None:
    """Initialize linear layers with a truncated normal, convolutions with a fan-out normal."""
    if isinstance(module, nn.Linear):
        trunc_normal_(module.weight, std=.02)
    elif isinstance(module, nn.Conv2d):
        kernel = module.kernel_size[0] * module.kernel_size[1]
        fan_out = kernel * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0, math.sqrt(2.0 / fan_out))
    if isinstance(module, (nn.Linear, nn.Conv2d)) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _variant(name: str, embed_dims: Sequence[int], depths: Sequence[int]) -> type:
    """Return a registered MiT of one size."""

    def __init__(self, drop_path_rate: float = 0.1, in_chans: int = 3,
                 pretrained: Optional[str] = None, init_cfg: Optional[dict] = None,
                 style: Optional[str] = None, with_cp: bool = False):
        MiT.__init__(self, embed_dims, depths, drop_path_rate=drop_path_rate, in_chans=in_chans,
                     pretrained=pretrained, init_cfg=init_cfg, style=style, with_cp=with_cp)

    body = dict(__init__=__init__, __module__=__name__,
                __doc__=f'A :class:`MiT` of widths {embed_dims} and depths {depths}.')
    return register(BACKBONES, name)(type(name, (MiT, ), body))


mit_b0 = _variant('mit_b0', (32, 64, 160, 256), (2, 2, 2, 2))
mit_b1 = _variant('mit_b1', (64, 128, 320, 512), (2, 2, 2, 2))
mit_b2 = _variant('mit_b2', (64, 128, 320, 512), (3, 4, 6, 3))
mit_b3 = _variant('mit_b3', (64, 128, 320, 512), (3, 4, 18, 3))
mit_b4 = _variant('mit_b4', (64, 128, 320, 512), (3, 8, 27, 3))
mit_b5 = _variant('mit_b5', (64, 128, 320, 512), (3, 6, 40, 3))
