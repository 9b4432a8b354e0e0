"""The head of SARFormer (Neurocomputing 635, 129915, Sec. 3): queries from regions."""
from typing import Any, Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from ...errors import ConfigError, nearest
from ...host import HEADS
from ...utils.registration import register
from .mask2former_head import Mask2FormerHead
from .region_queries import drawn_masks, first_blocked, largest_masks, pooled_queries

#: Values of the head's options.
POOL_FROM = ('context', 'mask_features')
FIRST_ATTENTION = ('outside', 'predicted', 'inside')
TEST_ORDER = ('largest', 'random')


@register(HEADS)
class SARFormerHead(Mask2FormerHead):
    """Mask2Former whose queries are not learned (SARFormer, Sec. 3).

    Each query is the mean of pixel features inside one region of the image. The frozen Segment
    Anything model finds the regions; ``type='SARFormer'`` of the segmentor brings them.

    Args:
        pool_from: 'context' pools from the mask features of the backbone's maps before their last
            norms (``SARFormer_Adapter`` of the published code, both published configs);
            'mask_features' from those that the masks are predicted with (its ``SARFormerHead``).
        first_attention: what a query sees in the first layer, see
            :func:`~.region_queries.first_blocked`. Published: 'outside' with 'context',
            'predicted' with 'mask_features'.
        test_order: in eval mode, 'largest' takes the largest regions, so that predictions are the
            same each time; 'random' draws them as in training, as published.

    Raises:
        ConfigError: an option has another value.
    """

    #: A teacher in training mode takes the regions of the eval mode.
    draws_in_training = True

    def __init__(self,
                 in_channels: Sequence[int],
                 num_classes: int,
                 in_index: Sequence[int] = (0, 1, 2, 3),
                 feat_channels: int = 256,
                 num_queries: int = 100,
                 pixel_decoder: Optional[Dict[str, Any]] = None,
                 transformer_decoder: Optional[Dict[str, Any]] = None,
                 losses: Optional[Dict[str, Any]] = None,
                 ignore_index: int = 255,
                 pool_from: str = 'context',
                 first_attention: str = 'outside',
                 test_order: str = 'largest',
                 init_cfg: Optional[dict] = None):
        super().__init__(in_channels, num_classes, in_index, feat_channels, num_queries,
                         pixel_decoder, transformer_decoder, losses, ignore_index, init_cfg)
        self.pool_from = chosen('pool_from', pool_from, POOL_FROM)
        self.first_attention = chosen('first_attention', first_attention, FIRST_ATTENTION)
        self.test_order = chosen('test_order', test_order, TEST_ORDER)

    def add_queries(self) -> None:
        """Make none: queries are pooled from regions."""

    def first_queries(self, features: Sequence[Tensor], mask_features: Tensor,
                      size: torch.Size) -> Tuple[Tensor, Optional[Tensor]]:
        """Return queries from the regions, and the cells that the first layer may not see.

        Args:
            features: :class:`~.features.RegionFeatures`.

        Raises:
            ConfigError: the features have no regions, or no context to pool from.
        """
        masks = self.query_masks(features)
        if self.pool_from == 'context':
            if features.context is None:
                raise ConfigError("decode_head.pool_from='context' needs a backbone that gives its "
                                  'maps before their norms too, such as BEiTAdapter: set '
                                  "pool_from='mask_features'")
            context = [features.context[i] for i in self.in_index]
            mask_features, _ = self.pixel_decoder(context)
        return (pooled_queries(mask_features, masks),
                first_blocked(masks, size, self.first_attention))

    def query_masks(self, features: Sequence[Tensor]) -> Tensor:
        """Return the region of each query, B x Q x H x W in 0..1."""
        regions = getattr(features, 'regions', None)
        if regions is None:
            raise ConfigError("SARFormerHead needs the regions of the images: set model.type="
                              "'SARFormer'")
        with torch.no_grad():
            if self.training or self.test_order == 'random':
                masks = [drawn_masks(one, self.num_queries, self.draws, i)
                         for i, one in enumerate(regions)]
            else:
                masks = [largest_masks(one, self.num_queries) for one in regions]
            return torch.stack(masks)


def chosen(key: str, value: Any, valid: Sequence[str]) -> str:
    """Return a value that is one of ``valid``.

    Raises:
        ConfigError: it is another.
    """
    if value not in valid:
        raise ConfigError(f'decode_head.{key} must be one of {list(valid)}, got {value!r}'
                          f'{nearest(value, valid)}')
    return value
