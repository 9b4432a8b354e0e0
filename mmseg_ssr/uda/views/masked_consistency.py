"""Masked image consistency (MIC, arXiv 2212.01322): predict what a masked image hides."""
from typing import NamedTuple, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ... import distributed
from ..draws import Draws
from ..update.teacher import EMATeacher
from .pseudo_label import PseudoLabel
from .strong_augmentation import StrongAugmentation

#: What is masked: both domains, the source, or the target; 'aug' augments it first.
MASK_MODES = ('separate', 'separatesrc', 'separatetrg', 'separateaug', 'separatesrcaug',
              'separatetrgaug')


class MaskedView(NamedTuple):
    """A third training view: masked images, labels and pixel weights."""
    img: Tensor
    label: Tensor
    weight: Optional[Tensor]


class BlockMask:
    """Hides square blocks of an image (MIC, Eq. 5).

    Args:
        mask_ratio: r in [0, 1); a block is kept when its random number exceeds r.
        mask_block_size: side of a block in pixels.
    """

    def __init__(self, mask_ratio: float, mask_block_size: int):
        if not 0 <= mask_ratio < 1:
            raise ValueError(f'mask_ratio must be in [0, 1), got {mask_ratio}')
        if mask_block_size < 1:
            raise ValueError(f'mask_block_size must be at least 1 pixel, got {mask_block_size}')
        self.mask_ratio, self.mask_block_size = mask_ratio, mask_block_size

    def __call__(self, img: Tensor, draws: Draws) -> Tensor:
        """Normalized images B x C x H x W with the hidden blocks set to 0, the mean color."""
        return img * self.mask(img, draws)

    def mask(self, img: Tensor, draws: Draws) -> Tensor:
        """B x 1 x H x W, 1 keeps, 0 hides."""
        batch, _, height, width = img.shape
        size = [max(1, round(length / self.mask_block_size)) for length in (height, width)]
        grid = torch.stack([draws.block_grid(i, size, img.device) for i in range(batch)])[:, None]
        return F.interpolate((grid > self.mask_ratio).to(img.dtype), size=(height, width))


class MaskedConsistency(nn.Module):
    """Which images are masked, how, and with whose pseudo-labels.

    Args:
        mode: one of :data:`MASK_MODES`.
        mask: the block mask.
        weight: of the masked loss.
        augmentation: applied before masking in the 'aug' modes; it always may blur, as published.
        teacher: a teacher of its own; None shares the one of the host method.
        threshold: confidence of the own teacher's pseudo-labels.

    Raises:
        ValueError: an unknown mode, or a threshold outside [0, 1].
    """

    def __init__(self, mode: str, mask: BlockMask, augmentation: StrongAugmentation,
                 weight: float = 1., teacher: Optional[EMATeacher] = None,
                 threshold: float = 0.968):
        super().__init__()
        if mode not in MASK_MODES:
            raise ValueError(f'mask_mode must be one of {MASK_MODES}, got {mode!r}')
        if not 0 <= threshold <= 1:
            raise ValueError(f'mask_pseudo_threshold must be in [0, 1], got {threshold}')
        self.mode, self.mask, self.augmentation = mode, mask, augmentation
        self.weight, self.teacher, self.threshold = weight, teacher, threshold

    @property
    def needs_target(self) -> bool:
        return 'src' not in self.mode

    def view(self, img: Tensor, label: Tensor, target_img: Optional[Tensor],
             pseudo: Optional[PseudoLabel], mean: Tensor, std: Tensor,
             draws: Draws) -> MaskedView:
        """The masked view of a batch; pseudo-labels None means source images only."""
        if not self.needs_target or pseudo is None:
            masked = MaskedView(img, label, None)
        elif 'trg' in self.mode:
            masked = MaskedView(target_img, *pseudo)
        else:
            masked = half_and_half(MaskedView(img, label, None), MaskedView(target_img, *pseudo))
        images = masked.img
        if self.mode.endswith('aug'):
            images = self.augmentation(images, mean, std, draws)
        return masked._replace(img=self.mask(images, draws))


def half_and_half(source: MaskedView, target: MaskedView) -> MaskedView:
    """The first half of the source batch and the first half of the target batch.

    With several processes, those before the middle of the whole batch take their source images,
    those behind it their target images.
    """
    images = len(source.img)
    middle = (images * distributed.world_size() + 1) // 2
    half = min(max(middle - images * distributed.rank(), 0), images)
    rest = images - half
    return MaskedView(
        torch.cat([source.img[:half], target.img[:rest]]),
        torch.cat([source.label[:half], target.label[:rest]]),
        torch.cat([torch.ones_like(target.weight[:half]), target.weight[:rest]]))
