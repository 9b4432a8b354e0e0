"""ClassMix across domains: half of the source classes on a target image (DACS, 2007.08702)."""
import torch
from torch import Tensor

from ... import distributed
from ..draws import LABEL_VALUES, Draws


def class_mix_masks(label: Tensor, draws: Draws) -> Tensor:
    """For each image the pixels to paste: those of half of the classes, rounded up.

    As published, the classes are drawn from all that occur in the *batch*, so one may be drawn
    that this image lacks; ignore (255) counts as a class. The batch is that of all processes.
    Nothing is copied to the host.

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
    """``source`` where the mask is set, else ``target``; all broadcast to B x C x H x W."""
    return torch.where(mask, source, target)
