"""What the head of SARFormer gets: maps of the backbone with the regions of the images."""
from typing import Optional, Sequence, Tuple

from torch import Tensor
from torch.utils._pytree import register_pytree_node


class RegionFeatures(list):
    """The stage maps of a batch as a list, with what belongs to them.

    Args:
        maps: one map B x C_i x H/s x W/s per stage.
        context: the same maps before the backbone's last norms, or None.
        regions: for each image the masks of its regions, n x H x W, bool.
        size: (H, W) of the images.
    """

    def __init__(self, maps: Sequence[Tensor], context: Optional[Sequence[Tensor]],
                 regions: Sequence[Tensor], size: Tuple[int, int]):
        super().__init__(maps)
        self.context, self.regions, self.size = context, list(regions), tuple(size)


# So that maps and context can be cut off from the backbone, like those in lists and tuples.
register_pytree_node(
    RegionFeatures,
    lambda features: ([list(features), features.context], (features.regions, features.size)),
    lambda parts, rest: RegionFeatures(*parts, *rest))
