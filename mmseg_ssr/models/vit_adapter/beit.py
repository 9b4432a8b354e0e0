"""The blocks of BEiT (arXiv 2106.08254, Sec. 2.3): a ViT with relative positions, layer scale."""
from typing import Callable, Tuple

import torch
from timm.layers import DropPath
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigError
from .feed_forward import FeedForward

# B images, N tokens: the class token and n = h * w patches, C channels, M heads

#: Relative positions besides those between two patches: class to patch, patch to class, class to
#: class.
CLASS_POSITIONS = 3


class BEiTAttention(nn.Module):
    """Self-attention with a learned bias for each relative position of two tokens.

    Keys have no bias.

    Args:
        width: C.
        num_heads: M.
        window: (h, w), the grid of patches.
        qv_bias: whether queries and values have a bias.
    """

    def __init__(self, width: int, num_heads: int, window: Tuple[int, int], qv_bias: bool):
        super().__init__()
        if num_heads < 1 or width % num_heads:
            raise ConfigError('BEiT: num_heads must divide embed_dims, got '
                              f'{num_heads} heads for {width} channels')
        self.num_heads = num_heads
        self.q_bias = nn.Parameter(torch.zeros(width)) if qv_bias else None
        self.v_bias = nn.Parameter(torch.zeros(width)) if qv_bias else None
        rows = (2 * window[0] - 1) * (2 * window[1] - 1) + CLASS_POSITIONS
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, num_heads))
        self.register_buffer('relative_position_index', relative_positions(window))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map B x N x C to B x N x C."""
        bias = None
        if self.q_bias is not None:
            bias = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias])
        qkv = F.linear(tokens, self.qkv.weight, bias).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # B x M x N x C/M
        table = self.relative_position_bias_table[self.relative_position_index]  # N x N x M
        places = table.permute(2, 0, 1).unsqueeze(0).to(q.dtype)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=places)
        return self.proj(attended.transpose(1, 2).flatten(2))


class BEiTBlock(nn.Module):
    """Pre-norm transformer block with layer scale and stochastic depth.

    Args:
        width: C.
        num_heads, window, qv_bias: see :class:`BEiTAttention`.
        hidden: width inside the feed-forward network.
        norm: makes a layer norm.
        init_value: first value of the layer scale.
        drop_path: rate of the stochastic depth.
    """

    def __init__(self, width: int, num_heads: int, window: Tuple[int, int], hidden: int,
                 norm: Callable[[int], nn.Module], init_value: float, drop_path: float,
                 qv_bias: bool):
        super().__init__()
        self.gamma_1 = nn.Parameter(torch.full((width, ), float(init_value)))
        self.gamma_2 = nn.Parameter(torch.full((width, ), float(init_value)))
        self.ln1 = norm(width)
        self.attn = BEiTAttention(width, num_heads, window, qv_bias)
        self.ln2 = norm(width)
        self.ffn = FeedForward(width, hidden, nn.GELU)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.drop_path(self.gamma_1 * self.attn(self.ln1(tokens)))
        return tokens + self.drop_path(self.gamma_2 * self.ffn(self.ln2(tokens)))


class PatchEmbedding(nn.Module):
    """Patches that do not overlap, each as one token."""

    def __init__(self, patch_size: int, width: int):
        super().__init__()
        self.projection = nn.Conv2d(3, width, patch_size, stride=patch_size)

    def forward(self, img: Tensor) -> Tuple[Tensor, Tuple[int, int]]:
        """Return tokens B x n x C and their grid."""
        feature = self.projection(img)
        return feature.flatten(2).transpose(1, 2), tuple(feature.shape[2:])


def relative_positions(window: Tuple[int, int]) -> Tensor:
    """Return for each pair of tokens its row of the table, N x N."""
    height, width = window
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    y, x = y.flatten(), x.flatten()
    rows = y[:, None] - y + height - 1
    columns = x[:, None] - x + width - 1
    positions = torch.empty((1 + height * width, ) * 2, dtype=torch.long)
    between = (2 * height - 1) * (2 * width - 1)
    positions[1:, 1:] = rows * (2 * width - 1) + columns
    positions[0, :] = between
    positions[:, 0] = between + 1
    positions[0, 0] = between + 2
    return positions
