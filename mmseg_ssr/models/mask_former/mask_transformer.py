"""The transformer decoder of Mask2Former with masked attention (arXiv 2112.01527, Sec. 3.2.1)."""
from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigError
from ...uda.student import full_precision
from ..vit_adapter.feed_forward import FeedForward

# B images, Q queries, N = h * w tokens of a memory, C channels


class Attention(nn.Module):
    """Multi-head attention with its residual."""

    def __init__(self, width: int, num_heads: int):
        super().__init__()
        if num_heads < 1 or width % num_heads:
            raise ConfigError('transformer_decoder: num_heads must divide feat_channels, got '
                              f'{num_heads} heads for {width} channels')
        self.attn = nn.MultiheadAttention(width, num_heads, batch_first=True)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, query_positions: Tensor,
                key_positions: Tensor, blocked: Optional[Tensor] = None) -> Tensor:
        """Return B x Q x C.

        Args:
            blocked: B x Q x N, the keys that a query may not see. It holds for all heads.
        """
        if blocked is not None:
            blocked = blocked.repeat_interleave(self.attn.num_heads, dim=0)
        read, _ = self.attn(queries + query_positions, keys + key_positions, values,
                            attn_mask=blocked, need_weights=False)
        return queries + read


class DecoderLayer(nn.Module):
    """Masked cross-attention, self-attention, feed-forward network, each with a layer norm."""

    def __init__(self, width: int, num_heads: int, hidden: int):
        super().__init__()
        self.self_attn = Attention(width, num_heads)
        self.cross_attn = Attention(width, num_heads)
        self.ffn = FeedForward(width, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, queries: Tensor, memory: Tensor, query_positions: Tensor,
                memory_positions: Tensor, blocked: Tensor) -> Tensor:
        """Return queries B x Q x C.

        Args:
            queries: B x Q x C.
            memory: B x N x C.
            query_positions: Q x C.
            memory_positions: N x C.
            blocked: B x Q x N, see :func:`blocked_outside`.
        """
        queries = self.norms[0](self.cross_attn(queries, memory, memory, query_positions,
                                                memory_positions, blocked))
        queries = self.norms[1](self.self_attn(queries, queries, queries, query_positions,
                                               query_positions))
        return self.norms[2](queries + self.ffn(queries))


class MaskTransformer(nn.Module):
    """The layers of the decoder, and the norm in front of the predictions.

    Args:
        width: C, width of queries and memories.
        num_layers, num_heads, feedforward_channels: of the decoder.

    Raises:
        ConfigError: a number is below 1, or the width does not fit the heads.
    """

    def __init__(self, width: int, num_layers: int = 9, num_heads: int = 8,
                 feedforward_channels: int = 2048):
        super().__init__()
        for name, value in dict(num_layers=num_layers,
                                feedforward_channels=feedforward_channels).items():
            if value < 1:
                raise ConfigError(f'transformer_decoder: {name} must be at least 1, got {value}')
        self.layers = nn.ModuleList(DecoderLayer(width, num_heads, feedforward_channels)
                                    for _ in range(num_layers))
        self.post_norm = nn.LayerNorm(width)

    def init_weights(self) -> None:
        """Initialize matrices as Mask2Former does."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)


def blocked_outside(masks: Tensor, size: torch.Size) -> Tensor:
    """Return the cells outside of predicted masks, without gradient, B x Q x h*w.

    A mask without any cell inside blocks nothing.

    Args:
        masks: logits B x Q x H/4 x W/4.
        size: (h, w) of the memory.
    """
    resized = F.interpolate(full_precision(masks.detach()), size, mode='bilinear',
                            align_corners=False)
    return freed((resized.sigmoid() < 0.5).flatten(2))


def freed(blocked: Tensor) -> Tensor:
    """Free the rows that are blocked everywhere. Attention could not weigh them."""
    return blocked & ~blocked.all(-1, keepdim=True)
