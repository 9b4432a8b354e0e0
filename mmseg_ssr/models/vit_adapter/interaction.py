"""Injector, extractor and interaction block of a ViT-Adapter (arXiv 2205.08534, Sec. 3.4)."""
from typing import Callable, List, NamedTuple, Tuple

import torch
from timm.layers import DropPath
from torch import Tensor, nn

from .deformable_attention import DeformableAttention, Shapes, cell_centers

# x: B x N x C, tokens of the ViT, on one grid. c: B x M x C, tokens of the spatial prior, on the
# grids of 1/8, 1/16 and 1/32, one behind the other.

Norm = Callable[[int], nn.Module]


class Places(NamedTuple):
    """The grids of x and c, and the centers of their cells.

    Attributes:
        x_shapes, c_shapes: (h, w) of each grid.
        x_centers, c_centers: 1 x N x 2 and 1 x M x 2, (x, y) in 0..1.
    """
    x_shapes: Shapes
    c_shapes: Shapes
    x_centers: Tensor
    c_centers: Tensor

    @classmethod
    def of(cls, x_shape: Tuple[int, int], c_shapes: Shapes, device: torch.device) -> 'Places':
        """Compute the centers for given grids."""
        return cls([x_shape], c_shapes, cell_centers([x_shape], device),
                   cell_centers(c_shapes, device))


class GridConvolution(nn.Module):
    """A 3 x 3 depthwise convolution that goes over several grids with the same weights."""

    def __init__(self, width: int):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, tokens: Tensor, shapes: Shapes) -> Tensor:
        parts = tokens.split([h * w for h, w in shapes], dim=1)
        maps = [self.dwconv(part.transpose(1, 2).unflatten(2, tuple(shape)).contiguous())
                for part, shape in zip(parts, shapes)]
        return torch.cat([one.flatten(2).transpose(1, 2) for one in maps], dim=1)


class ConvolutionalFFN(nn.Module):
    """Linear layer, depthwise convolution on each grid, GELU, linear layer."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.dwconv = GridConvolution(hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor, shapes: Shapes) -> Tensor:
        return self.fc2(self.act(self.dwconv(self.fc1(tokens), shapes)))


class Injector(nn.Module):
    """Adds to x what it reads from c: x + gamma * attention(norm(x), norm(c)) (Eq. 1)."""

    def __init__(self, width: int, norm: Norm, init_value: float, **attention):
        super().__init__()
        self.query_norm, self.feat_norm = norm(width), norm(width)
        self.attn = DeformableAttention(width, num_levels=3, **attention)
        self.gamma = nn.Parameter(torch.full((width, ), float(init_value)))

    def forward(self, x: Tensor, c: Tensor, places: Places) -> Tensor:
        read = self.attn(self.query_norm(x), places.x_centers, self.feat_norm(c), places.c_shapes)
        return x + self.gamma * read


class Extractor(nn.Module):
    """Adds to c what it reads from x, then a convolutional feed-forward network (Eq. 2, 3)."""

    def __init__(self, width: int, norm: Norm, ffn_ratio: float, drop_path: float, **attention):
        super().__init__()
        self.query_norm, self.feat_norm = norm(width), norm(width)
        self.attn = DeformableAttention(width, num_levels=1, **attention)
        self.ffn = ConvolutionalFFN(width, int(width * ffn_ratio))
        self.ffn_norm = norm(width)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()

    def forward(self, c: Tensor, x: Tensor, places: Places) -> Tensor:
        c = c + self.attn(self.query_norm(c), places.c_centers, self.feat_norm(x), places.x_shapes)
        return c + self.drop_path(self.ffn(self.ffn_norm(c), places.c_shapes))


class Interaction(nn.Module):
    """Injector, a group of blocks of the ViT, and extractor.

    Args:
        width: C.
        norm: makes a layer norm.
        num_heads, num_points, ratio: of the deformable attentions.
        ffn_ratio: hidden width of the extractor's feed-forward network / C.
        drop_path: stochastic depth of that network.
        init_value: first value of the injector's gamma.
        extra_extractors: number of further extractors behind the first.
    """

    def __init__(self, width: int, norm: Norm, num_heads: int, num_points: int, ratio: float,
                 ffn_ratio: float, drop_path: float, init_value: float, extra_extractors: int):
        super().__init__()
        attention = dict(num_heads=num_heads, num_points=num_points, ratio=ratio)
        extractors = [Extractor(width, norm, ffn_ratio, drop_path, **attention)
                      for _ in range(1 + extra_extractors)]
        self.injector = Injector(width, norm, init_value, **attention)
        self.extractor = extractors[0]
        if extra_extractors:
            self.extra_extractors = nn.ModuleList(extractors[1:])

    @property
    def extractors(self) -> List[Extractor]:
        return [self.extractor, *getattr(self, 'extra_extractors', [])]

    def inject(self, x: Tensor, c: Tensor, places: Places) -> Tensor:
        """Return x with what it reads from c."""
        return self.injector(x, c, places)

    def extract(self, c: Tensor, x: Tensor, places: Places) -> Tensor:
        """Return c with what it reads from x, after the blocks of the ViT."""
        for extractor in self.extractors:
            c = extractor(c, x, places)
        return c
