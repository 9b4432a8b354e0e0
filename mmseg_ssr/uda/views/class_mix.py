"""ClassMix: half of the source classes on a target image (DACS, arXiv 2007.08702)."""
from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor

from ... import distributed
from ..draws import LABEL_VALUES, Draws
from ..keys import KeyGroup, key
from .strong_augmentation import StrongAugmentation
from .view import MIX, Augmentation, Batch, Mixture, PseudoLabel, View, ViewMaker


@dataclass(frozen=True)
class ClassMixKeys(KeyGroup):
    """Keys of ClassMix."""

    mix: str = key('class', "Kind of mixing. Only 'class' exists.", choices=('class', ))

    def build(self, augmentation: Augmentation,
              target_augmentation: Optional[Augmentation] = None) -> 'ClassMix':
        return ClassMix(augmentation, target_augmentation)


class ClassMix(ViewMaker):
    """Half of the classes of the source batch, pasted on target images that the teacher labels.

    A source pixel has weight 1, a target pixel the weight of its pseudo-label.

    Args:
        augmentation: augmentation of the mixed images.
        target_augmentation: augmentation of the target images before they are mixed; None changes
            nothing.
    """

    name = MIX

    def __init__(self, augmentation: Optional[Augmentation] = None,
                 target_augmentation: Optional[Augmentation] = None):
        super().__init__()
        self.augmentation = augmentation or StrongAugmentation()
        self.target_augmentation = target_augmentation

    def forward(self, batch: Batch, pseudo: PseudoLabel, draws: Draws) -> View:
        masks = class_mix_masks(batch.label, draws)
        target = batch.target_img
        if self.target_augmentation is not None:
            target = self.target_augmentation(target, batch.mean, batch.std, draws)
        img = mix(masks, batch.img, target)
        return View(
            MIX,
            self.augmentation(img, batch.mean, batch.std, draws),
            mix(masks, batch.label.long(), pseudo.label),
            mix(masks.squeeze(1), torch.ones_like(pseudo.weight), pseudo.weight),
            regularized=True,
            mixture=Mixture(masks, batch.img, batch.target_img),
            trusted=None if pseudo.trusted is None else masks.squeeze(1) | pseudo.trusted)


def class_mix_masks(label: Tensor, draws: Draws) -> Tensor:
    """Return the pixels of each image to paste: those of half of the classes, rounded up.

    As published, the classes are drawn from all that occur in the *batch*, so an image may lack a
    drawn class. Ignore (255) counts as a class. The batch is that of all processes. Nothing is
    copied to the host.

    Args:
        label: B x 1 x H x W, train ids and 255.

    Returns:
        B x 1 x H x W, bool.
    """
    present = torch.zeros(LABEL_VALUES, dtype=torch.bool, device=label.device)
    present[label.flatten().long()] = True
    present = distributed.total(present.int()) > 0
    half = (present.sum() + 1) // 2
    masks = []
    for i, image_label in enumerate(label.long()):
        keys = draws.class_keys(i, label.device).masked_fill(~present, float('inf'))
        rank = keys.argsort().argsort()
        masks.append((rank < half)[image_label])
    return torch.stack(masks)


def mix(mask: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Return ``source`` where the mask is set, else ``target``; all broadcast to B x C x H x W."""
    return torch.where(mask, source, target)
