"""SAM's attention with decomposed relative positions, through the fused kernel of torch."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

# B images or windows, H x W tokens each, C channels, h heads, c = C / h


class SAMAttention(nn.Module):
    """Drop-in for ``segment_anything``'s attention: the same weights, the same numbers.

    ``softmax(q k^T / sqrt(c) + q R_h + q R_w) v`` (ViTDet's decomposed relative positions) in one
    ``scaled_dot_product_attention`` instead of separate matrix products and softmax. Images are
    taken one at a time when the position bias of all together would be large.

    Args:
        attention: the module of ``segment_anything`` whose weights are used.
    """

    #: Largest position bias made at once, in entries: one image of 64 x 64 tokens with 12 heads.
    MAX_BIAS = 12 * 4096 ** 2

    def __init__(self, attention: nn.Module):
        super().__init__()
        self.num_heads = attention.num_heads
        self.qkv = attention.qkv
        self.proj = attention.proj
        self.use_rel_pos = attention.use_rel_pos
        if self.use_rel_pos:
            self.rel_pos_h = attention.rel_pos_h
            self.rel_pos_w = attention.rel_pos_w

    def forward(self, x: Tensor) -> Tensor:
        """B x H x W x C -> B x H x W x C."""
        size = x.shape[1:3]
        qkv = self.qkv(x).flatten(1, 2)  # B x H*W x 3*C
        q, k, v = qkv.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        if self.use_rel_pos:
            tokens = size[0] * size[1]
            per_chunk = max(1, self.MAX_BIAS // (self.num_heads * tokens ** 2))
            attended = torch.cat([
                F.scaled_dot_product_attention(*part, attn_mask=self._position_bias(part[0], size))
                for part in zip(q.split(per_chunk), k.split(per_chunk), v.split(per_chunk))])
        else:
            attended = F.scaled_dot_product_attention(q, k, v)
        return self.proj(attended.transpose(1, 2).reshape(x.shape))

    def _position_bias(self, q: Tensor, size: torch.Size) -> Tensor:
        """B x h x H*W x c queries -> B x h x H*W x H*W, row of q_i . (R_h + R_w)."""
        queries = q.unflatten(2, tuple(size))  # B x h x H x W x c
        rows = torch.einsum('bnhwc,hkc->bnhwk', queries, relative(self.rel_pos_h, size[0]))
        columns = torch.einsum('bnhwc,wkc->bnhwk', queries, relative(self.rel_pos_w, size[1]))
        bias = rows.unsqueeze(-1) + columns.unsqueeze(-2)  # B x h x H x W x H x W
        return bias.flatten(4, 5).flatten(2, 3)


def relative(table: Tensor, length: int) -> Tensor:
    """Rows of a (2 L - 1) x c table at the offsets i - j of ``length`` positions: L x L x c."""
    if table.shape[0] != 2 * length - 1:
        table = resample_positions(table, 2 * length - 1)
    position = torch.arange(length, device=table.device)
    return table[position[:, None] - position[None, :] + length - 1]


def resample_positions(table: Tensor, length: int) -> Tensor:
    """Linear resampling of an L x c table to ``length`` x c, as SAM does at run time."""
    return F.interpolate(table.t().unsqueeze(0), size=length, mode='linear')[0].t()
