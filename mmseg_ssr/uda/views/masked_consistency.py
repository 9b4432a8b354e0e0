"""Masked image consistency (MIC, arXiv 2212.01322): predict the hidden parts of an image."""
from dataclasses import dataclass
from typing import Any, Dict, Optional, Union

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ... import distributed
from ...errors import ConfigError
from ..draws import Draws
from ..keys import KeyGroup, check_dict, key, part
from ..update.teacher import EMATeacher
from .view import MASKED, Augmentation, Batch, PseudoLabel, View, ViewMaker

#: Images to mask: of both domains, the source, or the target. 'aug' augments them first.
MASK_MODES = ('separate', 'separatesrc', 'separatetrg', 'separateaug', 'separatesrcaug',
              'separatetrgaug')


@dataclass(frozen=True)
class MaskedConsistencyKeys(KeyGroup):
    """Keys of MIC's masked view."""

    mask_mode: Optional[str] = key(
        None, "Images of MIC's masked view: 'separatetrg' masks the target images, 'separatesrc' "
        "the source images, 'separate' half a batch of each. With 'aug' appended, their colors are "
        'jittered first. None is off.', choices=MASK_MODES)
    mask_alpha: Union[str, float] = key(
        'same', "EMA rate of the masked view's teacher: 'same' as `alpha`, or a number. Another "
        'number than `alpha` gives the view a teacher of its own.',
        choices=('same', ), least=0, below=1)
    mask_pseudo_threshold: Union[str, float] = key(
        'same', "Confidence threshold of the masked view's pseudo-labels: 'same' as "
        '`pseudo_threshold`, or a number. Another number gives the view a teacher of its own.',
        choices=('same', ), least=0, most=1)
    mask_lambda: float = key(1., 'Weight of the losses on the masked view.', least=0)
    mask_generator: Optional[Dict[str, Any]] = key(
        None, "Mask of the masked view: `dict(type='block', mask_ratio=0.7, mask_block_size=64)`. "
        'With `input_size`, images are resized to squares of that side first, as in VFM-UDA++.')

    def check(self) -> None:
        if self.mask_mode is not None:
            self._mask()

    def check_joint_views(self) -> None:
        """Raise a :class:`ConfigError` if masked images have a size of their own."""
        if self._own_size():
            raise ConfigError('uda.joint_views: masked images have a size of their own '
                              '(mask_generator.input_size), so the views are no joint batch: set '
                              'it to False')

    def check_student(self, student: nn.Module) -> None:
        """Raise a :class:`ConfigError` if masked images have a size that a student cannot use."""
        if not self._own_size():
            return
        own = getattr(getattr(student, 'backbone', None), 'input_size', None)
        if own is not None and own != self._mask().input_size:
            raise ConfigError('uda.mask_generator.input_size must be model.backbone.input_size, '
                              f'{own}, which would resize the mask again, got '
                              f'{self._mask().input_size}')
        if not getattr(student, 'maps_show_the_image', True):
            raise ConfigError("uda.mask_generator.input_size: HRDA's detail crops need labels of "
                              "the images' size: remove it")

    def _own_size(self) -> bool:
        return self.mask_mode is not None and self._mask().input_size is not None

    def build(self, student: nn.Module, augmentation: Augmentation, alpha: float,
              threshold: float, shared: bool, has_targets: bool) -> 'Optional[MaskedConsistency]':
        """Build the masked view; None if it is off.

        The view may need a teacher of its own, because its numbers are not the method's or the
        method has no teacher to share. It gets one only if it masks target images and there are
        any.

        Args:
            student: network that an own teacher follows.
            augmentation: augmentation of the 'aug' modes.
            alpha, threshold: numbers of the method.
            shared: whether the method has a teacher.
            has_targets: whether there are target images.
        """
        if self.mask_mode is None:
            return None
        own = [host if value == 'same' else value for value, host in (
            (self.mask_alpha, alpha), (self.mask_pseudo_threshold, threshold))]
        masked = MaskedConsistency(self.mask_mode, self._mask(), augmentation, self.mask_lambda,
                                   threshold=own[1])
        if (not shared or own != [alpha, threshold]) and has_targets and masked.masks_target:
            masked.teacher = EMATeacher(student, own[0])
        return masked

    def _mask(self) -> 'BlockMask':
        needed = ('mask_ratio', 'mask_block_size')
        options = dict(self.mask_generator or {})
        kind = options.pop('type', None)
        if kind != 'block':
            raise ConfigError(f"uda.mask_generator.type must be 'block', got {kind!r}")
        check_dict('mask_generator', options, (*needed, 'input_size'), needed)
        return part(BlockMask, **options)


class BlockMask:
    """Mask that hides square blocks of an image (MIC, Eq. 5).

    Args:
        mask_ratio: r in [0, 1). A block is kept if its random number exceeds r.
        mask_block_size: side of a block in pixels.
        input_size: side in pixels to which images are resized (bilinear, corners not aligned)
            before they are masked; None keeps their size. It is that of the backbone's input where
            a backbone resizes images itself.
    """

    def __init__(self, mask_ratio: float, mask_block_size: int, input_size: Optional[int] = None):
        if not 0 <= mask_ratio < 1:
            raise ValueError(f'mask_ratio must be in [0, 1), got {mask_ratio}')
        if mask_block_size < 1:
            raise ValueError(f'mask_block_size must be at least 1 pixel, got {mask_block_size}')
        if input_size is not None and input_size < 1:
            raise ValueError(f'input_size must be at least 1 pixel or None, got {input_size}')
        self.mask_ratio, self.mask_block_size = mask_ratio, mask_block_size
        self.input_size = input_size

    def __call__(self, img: Tensor, draws: Draws) -> Tensor:
        """Set the hidden blocks of normalized images B x C x H x W to 0, the mean color."""
        if self.input_size is not None:
            img = F.interpolate(img, (self.input_size, ) * 2, mode='bilinear', align_corners=False)
        return img * self.mask(img, draws)

    def mask(self, img: Tensor, draws: Draws) -> Tensor:
        """Return the mask B x 1 x H x W: 1 keeps a pixel, 0 hides it."""
        batch, _, height, width = img.shape
        size = [max(1, round(length / self.mask_block_size)) for length in (height, width)]
        grid = torch.stack([draws.block_grid(i, size, img.device) for i in range(batch)])[:, None]
        return F.interpolate((grid > self.mask_ratio).to(img.dtype), size=(height, width))


class MaskedConsistency(ViewMaker):
    """Maker of the masked view.

    Args:
        mode: which images are masked, one of :data:`MASK_MODES`.
        mask: mask of blocks.
        augmentation: augmentation before masking in the 'aug' modes. As published, it blurs too.
        weight: weight of the losses on the view.
        teacher: a teacher of the view's own; None shares the method's.
        threshold: confidence threshold of the own teacher's pseudo-labels.
    """

    name = MASKED
    needs_target = False  # without pseudo-labels it masks source images

    def __init__(self, mode: str, mask: BlockMask, augmentation: Augmentation,
                 weight: float = 1., teacher: Optional[EMATeacher] = None,
                 threshold: float = 0.968):
        super().__init__(teacher, threshold)
        self.mode, self.mask, self.augmentation, self.weight = mode, mask, augmentation, weight

    @property
    def masks_target(self) -> bool:
        return 'src' not in self.mode

    def forward(self, batch: Batch, pseudo: Optional[PseudoLabel], draws: Draws) -> View:
        """Return the masked view. Without pseudo-labels it has source images only."""
        source = View(MASKED, batch.img, batch.label.long(), scale=self.weight)
        if not self.masks_target or pseudo is None:
            view = source
        else:
            target = View(MASKED, batch.target_img, pseudo.label, pseudo.weight, scale=self.weight)
            view = target if 'trg' in self.mode else half_and_half(source, target)
        images = view.img
        if self.mode.endswith('aug'):
            images = self.augmentation(images, batch.mean, batch.std, draws)
        return view._replace(img=self.mask(images, draws))


def half_and_half(source: View, target: View) -> View:
    """Return the first half of the source batch and the first half of the target batch.

    With several processes the halves are those of the batch of all processes. Processes before its
    middle take their source images, processes behind it take their target images.
    """
    images = len(source.img)
    middle = (images * distributed.world_size() + 1) // 2
    half = min(max(middle - images * distributed.rank(), 0), images)
    rest = images - half
    return target._replace(
        img=torch.cat([source.img[:half], target.img[:rest]]),
        label=torch.cat([source.label[:half], target.label[:rest]]),
        weight=torch.cat([torch.ones_like(target.weight[:half]), target.weight[:rest]]))
