"""SAM's attention with decomposed relative positions, in the fused kernel of torch."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

# B images or windows, N = H x W tokens each, C channels, h heads, c = C / h, P = B * h pairs


class SAMAttention(nn.Module):
    """Drop-in for ``segment_anything``'s attention, with the same weights and the same numbers.

    It computes ``softmax(q k^T / sqrt(c) + q R_h + q R_w) v`` (ViTDet's decomposed relative
    positions) in ``scaled_dot_product_attention`` instead of separate matrix products and softmax.
    The position bias has N x N entries for every image and head, so it is made for a few of them at
    a time. The module is for inference only.

    Args:
        attention: module of ``segment_anything`` whose weights are used.
    """

    #: Entries of the position bias that are made at once, but at least those of one head. On a CPU
    #: more of them would cost fresh memory in every block. Elsewhere the limit is one image of
    #: 64 x 64 tokens with 12 heads.
    MAX_BIAS_CPU = 2 ** 22
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

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """B x H x W x C -> B x H x W x C."""
        qkv = self.qkv(x).flatten(1, 2).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).flatten(1, 2).unsqueeze(2)  # P x 1 x N x c each
        if self.use_rel_pos:
            attended = self._attend_with_positions(q, k, v, x.shape[1:3])
        else:
            attended = F.scaled_dot_product_attention(q, k, v)
        heads = attended.unflatten(0, (len(x), self.num_heads)).squeeze(2)  # B x h x N x c
        return self.proj(heads.transpose(1, 2).reshape(x.shape))

    def _attend_with_positions(self, q: Tensor, k: Tensor, v: Tensor, size: torch.Size) -> Tensor:
        """P x 1 x N x c queries, keys and values of H x W tokens -> P x 1 x N x c."""
        queries = q.unflatten(2, size)  # P x 1 x H x W x c
        rows = torch.einsum('pnhwc,hkc->pnhwk', queries, relative(self.rel_pos_h, size[0]))
        columns = torch.einsum('pnhwc,wkc->pnhwk', queries, relative(self.rel_pos_w, size[1]))
        limit = self.MAX_BIAS_CPU if q.device.type == 'cpu' else self.MAX_BIAS
        at_once = min(max(1, limit // q.shape[2] ** 2), len(q))
        buffer = rows.new_empty(at_once, 1, *size, *size)
        attended = torch.empty_like(v)
        for start in range(0, len(q), at_once):
            part = slice(start, start + at_once)
            bias = buffer[:len(q[part])]  # rows of q_i . (R_h + R_w)
            torch.add(rows[part].unsqueeze(-1), columns[part].unsqueeze(-2), out=bias)
            attended[part] = F.scaled_dot_product_attention(
                q[part], k[part], v[part], attn_mask=bias.flatten(4, 5).flatten(2, 3))
        return attended


def relative(table: Tensor, length: int) -> Tensor:
    """Return the rows of a (2 L - 1) x c table at the offsets i - j of L positions: L x L x c."""
    if table.shape[0] != 2 * length - 1:
        table = resample_positions(table, 2 * length - 1)
    position = torch.arange(length, device=table.device)
    return table[position[:, None] - position[None, :] + length - 1]


def resample_positions(table: Tensor, length: int) -> Tensor:
    """Resample an L x c table to ``length`` x c linearly, as SAM does at run time."""
    return F.interpolate(table.t().unsqueeze(0), size=length, mode='linear')[0].t()
