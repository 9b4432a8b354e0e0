"""The regularization branch of SSR: backbone features enhanced by a frozen encoder's map."""
from typing import List, Optional, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from ..layers.linear import Linear
from .cross_attention import CrossAttention

#: Heads of the four stages in the paper's setting (MiT widths 64, 128, 320, 512).
PAPER_HEADS = (1, 2, 5, 8)


class FeatureRegularizer(nn.Module):
    """One linear projection and one cross-attention per chosen stage (SSR, Fig. 2).

    For stage ``i`` with feature ``f_i`` and the encoder's map ``s``::

        enhanced_i = f_i + attention_i(query=f_i, context=projection_i(s))

    Other stages pass unchanged. The branch is used in training only.

    Args:
        encoder: frozen encoder from images B x 3 x H x W to a map B x C x h x w, where C is its
            ``out_channels``. It holds no parameters
            (:class:`~mmseg_ssr.regularizer.FrozenNetwork`).
        channels: widths of the backbone's stages.
        num_heads: attention heads per stage, by default :func:`default_heads`.
        stages: indices of the stages to enhance, the rows of the paper's Table I.
        add_map: whether to add ``projection_i(s)`` itself as well, resized to the stage. The
            attention compares content alone and has to find the place of a pixel on the map. The
            added map shows the place. This is not in the paper, and fits only maps of the same view
            as the features.

    Raises:
        ValueError: a stage does not exist in the backbone, no stage is chosen, or a number of heads
            does not fit.
    """

    def __init__(self,
                 encoder: nn.Module,
                 channels: Sequence[int],
                 num_heads: Optional[Sequence[int]] = None,
                 stages: Sequence[int] = (0, 1, 2, 3),
                 add_map: bool = False):
        super().__init__()
        num_heads = tuple(num_heads or default_heads(channels))
        if len(num_heads) != len(channels):
            raise ValueError(f'num_heads must give one number for each of the {len(channels)} '
                             f'stages, got {num_heads}')
        if not stages or not set(stages) <= set(range(len(channels))):
            raise ValueError(f'stages must be some of {list(range(len(channels)))}, got '
                             f'{list(stages)}')
        self.encoder = encoder
        self.stages = tuple(sorted(set(stages)))
        self.add_map = add_map
        self.projections = nn.ModuleDict({
            str(i): Linear(encoder.out_channels, channels[i]) for i in self.stages})
        self.attentions = nn.ModuleDict({
            str(i): CrossAttention(channels[i], num_heads[i]) for i in self.stages})

    def encode(self, img: Tensor) -> Tensor:
        """Return the frozen encoder's map, B x C x h x w, of normalized images B x 3 x H x W."""
        return self.encoder(img)

    def forward(self, features: Sequence[Tensor], context: Tensor) -> List[Tensor]:
        """Return enhanced features.

        Args:
            features: B x C_i x H_i x W_i of each stage.
            context: the encoder's map, B x C x h x w, see :meth:`encode`.
        """
        return [self._enhance(i, feature, context) if i in self.stages else feature
                for i, feature in enumerate(features)]

    def attention(self, stage: int, feature: Tensor, context: Tensor, pixels: Tensor) -> Tensor:
        """Return where pixels of a stage look on the encoder's map.

        Args:
            stage: one of ``stages``.
            feature: B x C_i x H_i x W_i of that stage.
            context: B x C x h x w, see :meth:`encode`.
            pixels: N indices into the H_i * W_i pixels, row by row.

        Returns:
            B x heads x N x h x w in [0, 1]. Each map sums to 1.
        """
        tokens = self.projections[str(stage)](context.flatten(2).transpose(1, 2))
        query = feature.flatten(2).transpose(1, 2)[:, pixels]
        return self.attentions[str(stage)].weights(query, tokens).unflatten(
            -1, tuple(context.shape[2:]))

    def _enhance(self, stage: int, feature: Tensor, context: Tensor) -> Tensor:
        query = feature.flatten(2).transpose(1, 2)  # B x H*W x C_i
        tokens = context.flatten(2).transpose(1, 2)  # B x h*w x C
        projected = self.projections[str(stage)](tokens)
        attended = self.attentions[str(stage)](query, projected)
        enhanced = feature + attended.transpose(1, 2).reshape(feature.shape)
        if self.add_map:
            local = projected.transpose(1, 2).unflatten(2, tuple(context.shape[2:]))
            enhanced = enhanced + F.interpolate(local, feature.shape[2:], mode='bilinear',
                                                align_corners=False)
        return enhanced


def default_heads(channels: Sequence[int]) -> Sequence[int]:
    """Return the published heads if they divide four widths, else the most of 8, 4, 2 and 1."""
    if len(channels) == 4 and all(c % h == 0 for c, h in zip(channels, PAPER_HEADS)):
        return PAPER_HEADS
    return tuple(next(h for h in (8, 4, 2, 1) if c % h == 0) for c in channels)
