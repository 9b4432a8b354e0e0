"""Multi-scale deformable attention (Deformable DETR, arXiv 2010.04159, Sec. 4.1, Eq. 3)."""
import math
from typing import Sequence, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigError
from ...uda.student import full_precision
from ...utils.device import send

# B images, Q queries, N = sum of h * w tokens of the levels, M heads, L levels, P points

Shapes = Sequence[Tuple[int, int]]


class DeformableAttention(nn.Module):
    """Each query reads a few points of every level, near its own place.

    Points and weights are linear functions of the query. Reading is bilinear, with zeros outside of
    a level. No compiled operator is needed, so it runs on every device. Sampling runs in float32,
    also under autocast.

    Args:
        width: C, width of queries, tokens and outputs.
        num_heads: M.
        num_levels: L, number of maps that are read.
        num_points: P, points per head and level.
        ratio: width of the sampled values / C.

    Raises:
        ConfigError: the width of the values is no multiple of the number of heads.
    """

    def __init__(self, width: int, num_heads: int, num_levels: int, num_points: int = 4,
                 ratio: float = 1.):
        super().__init__()
        inner = int(width * ratio)
        if num_heads < 1 or inner < 1 or inner % num_heads:
            raise ConfigError(f'deformable attention: the number of heads must divide the width '
                              f'of its values, got {num_heads} heads for {inner} channels')
        self.num_heads, self.num_levels, self.num_points = num_heads, num_levels, num_points
        points = num_heads * num_levels * num_points
        self.sampling_offsets = nn.Linear(width, 2 * points)
        self.attention_weights = nn.Linear(width, points)
        self.value_proj = nn.Linear(width, inner)
        self.output_proj = nn.Linear(inner, width)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Let each head look in a direction of its own, the P points one step further each."""
        directions = ring(self.num_heads).view(-1, 1, 1, 2)
        steps = torch.arange(1., self.num_points + 1).view(1, 1, -1, 1)
        offsets = (directions * steps).expand(-1, self.num_levels, -1, -1)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(offsets.reshape(-1))
        nn.init.zeros_(self.sampling_offsets.weight)
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, query: Tensor, reference: Tensor, tokens: Tensor, shapes: Shapes) -> Tensor:
        """Return B x Q x C.

        Args:
            query: B x Q x C.
            reference: 1 x Q x 2 or B x Q x 2, place (x, y) of each query in 0..1.
            tokens: B x N x C, the maps that are read, row by row and level by level.
            shapes: (h, w) of each level.
        """
        split = (self.num_heads, self.num_levels, self.num_points)
        offsets = full_precision(self.sampling_offsets(query)).unflatten(-1, (*split, 2))
        weights = full_precision(self.attention_weights(query)).unflatten(-1, (split[0], -1))
        weights = weights.softmax(-1).unflatten(-1, split[1:])  # B x Q x M x L x P
        sizes = send(torch.tensor([(w, h) for h, w in shapes]), query.device)
        places = reference[:, :, None, None, None] + offsets / sizes[:, None]
        values = full_precision(self.value_proj(tokens)).unflatten(-1, (self.num_heads, -1))
        return self.output_proj(sample(values, shapes, places, weights))


def sample(values: Tensor, shapes: Shapes, places: Tensor, weights: Tensor) -> Tensor:
    """Return weighted sums of values at places in all levels, B x Q x M*d.

    Args:
        values: B x N x M x d.
        shapes: (h, w) of each level.
        places: B x Q x M x L x P x 2, (x, y) in 0..1 of the level.
        weights: B x Q x M x L x P.
    """
    batch, _, heads, _ = values.shape
    total = 0.
    levels = values.split([h * w for h, w in shapes], dim=1)
    for level, (tokens, shape) in enumerate(zip(levels, shapes)):
        maps = tokens.permute(0, 2, 3, 1).flatten(0, 1).unflatten(2, shape)  # B*M x d x h x w
        grid = 2 * places[:, :, :, level].transpose(1, 2).flatten(0, 1) - 1  # B*M x Q x P x 2
        read = F.grid_sample(maps, grid, align_corners=False)  # B*M x d x Q x P
        weight = weights[:, :, :, level].transpose(1, 2).flatten(0, 1)  # B*M x Q x P
        total = total + (read * weight.unsqueeze(1)).sum(-1)
    return total.unflatten(0, (batch, heads)).flatten(1, 2).transpose(1, 2)


def ring(count: int) -> Tensor:
    """Return ``count`` directions around a circle, scaled to a largest coordinate of 1."""
    angles = torch.arange(count) * (2 * math.pi / count)
    directions = torch.stack([angles.cos(), angles.sin()], -1)
    return directions / directions.abs().amax(-1, keepdim=True)


def cell_centers(shapes: Shapes, device: torch.device) -> Tensor:
    """Return the centers (x, y) in 0..1 of the cells of all levels, 1 x N x 2."""
    levels = []
    for height, width in shapes:
        y = (torch.arange(height, device=device) + 0.5) / height
        x = (torch.arange(width, device=device) + 0.5) / width
        levels.append(torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1))
    return torch.cat([level.flatten(0, 1) for level in levels]).unsqueeze(0)
