"""Cross-attention of SSR: backbone features ask, features of SAM answer."""
from torch import Tensor, nn
from torch.nn import functional as F

from ..layers.linear import Linear


class CrossAttention(nn.Module):
    """Multi-head cross-attention with an output projection (SSR, Sec. III, Fig. 2).

    It is ``softmax(q k^T / sqrt(C / heads)) v`` with ``q`` from the query tokens and ``k``, ``v``
    from the context tokens. It has no normalization and no dropout. The caller adds the residual.

    Args:
        channels: C, the width of both token sets.
        num_heads: number of heads, a divisor of C.

    Raises:
        ValueError: num_heads does not divide the channels.
    """

    def __init__(self, channels: int, num_heads: int):
        super().__init__()
        if num_heads < 1 or channels % num_heads:
            raise ValueError(f'num_heads must divide the channels, got {num_heads} heads for '
                             f'{channels} channels')
        self.num_heads = num_heads
        self.q = Linear(channels, channels, bias=False)
        self.kv = Linear(channels, 2 * channels, bias=False)
        self.proj = Linear(channels, channels)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        """Map B x N x C query tokens and B x M x C context tokens to B x N x C."""
        q = self._split_heads(self.q(query))  # B x heads x N x c
        k, v = (self._split_heads(t) for t in self.kv(context).chunk(2, dim=-1))
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.proj(attended.transpose(1, 2).flatten(2))

    def weights(self, query: Tensor, context: Tensor) -> Tensor:
        """Return where each query token looks: B x heads x N x M in [0, 1]. Rows sum to 1."""
        q = self._split_heads(self.q(query))
        k = self._split_heads(self.kv(context).chunk(2, dim=-1)[0])
        return (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(dim=-1)

    def _split_heads(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
