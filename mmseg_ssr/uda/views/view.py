"""What a training iteration is given, and the views that it trains on."""
from typing import NamedTuple, Optional

from torch import Tensor

SOURCE = ''  # the source view's losses go by their plain names
TARGET = 'target'


class Batch(NamedTuple):
    """Images of both domains as the data loader gives them."""
    img: Tensor  # B x 3 x H x W, source
    label: Tensor  # B x 1 x H x W, source
    mean: Tensor  # 1 x 3 x 1 x 1, of the normalization, in 0..255
    std: Tensor
    target_img: Optional[Tensor] = None  # B x 3 x H x W
    valid_mask: Optional[Tensor] = None  # B x 1 x H x W, 0 where pseudo-labels are not trusted


class View(NamedTuple):
    """What one forward pass of the student is trained on."""
    img: Tensor  # B x 3 x H x W, normalized
    label: Optional[Tensor]  # B x 1 x H x W; None: what is learned, its predictions alone say
    weight: Optional[Tensor]  # B x H x W in [0, 1], None is 1 everywhere
    prefix: str  # of its losses in the log
    enhanced: Optional[str] = None  # prefix in the regularization branch, None keeps it out of it
    scale: float = 1.  # weight of all its losses

    @property
    def name(self) -> str:
        """'source', 'mix', 'target' or 'masked'."""
        return self.prefix or 'source'
