"""From a point to the mask of the object below it: what the encoder is trained through."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MaskDecoder(nn.Module):
    """A point and two feature maps -> the mask of the object at that point.

    A small relative of SAM's decoder (Segment Anything, arXiv 2304.02643, Sec. 3): the map is
    enlarged, a feature is read at the point, and its product with every pixel gives the logits.
    The point is read from one map and the mask is written on another one, of the same scene in
    another look and from another place: what belongs together must depend neither on the look nor
    on where it is seen.

    Args:
        channels: of the encoder's map.
        width: of the enlarged map.
    """

    def __init__(self, channels: int, width: int = 32):
        super().__init__()
        self.enlarge = nn.Sequential(
            nn.ConvTranspose2d(channels, width, 2, stride=2), nn.GroupNorm(1, width), nn.GELU(),
            nn.ConvTranspose2d(width, width, 2, stride=2), nn.GELU(), nn.Conv2d(width, width, 1))
        self.query = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(),
                                   nn.Linear(2 * width, width))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, asked: Tensor, answered: Tensor, points: Tensor) -> Tensor:
        """Masks of points.

        Args:
            asked, answered: enlarged maps (``enlarge``), B x width x H x W, of two looks of a
                scene.
            points: B x K, indices into the H * W pixels of ``asked``, row by row.

        Returns:
            logits, B x K x H x W, of ``answered``.
        """
        read = asked.flatten(2).transpose(1, 2)  # B x HW x width
        chosen = read.gather(1, points[..., None].expand(-1, -1, read.shape[-1]))
        query = self.query(chosen) / read.shape[-1] ** 0.5
        return (query @ answered.flatten(2)).unflatten(-1, answered.shape[2:]) + self.bias


def choose_points(asked: Tensor, answered: Tensor, count: int,
                  generator: torch.Generator) -> Tensor:
    """Points of objects that both crops show (any, if they share none); an object is chosen by
    the root of its area, so that small ones count.

    Args:
        asked, answered: B x H x W, object numbers.
        count: K, points of an image.

    Returns:
        B x K, indices into the H * W pixels of ``asked``.
    """
    flat = asked.flatten(1)
    numbers = int(max(asked.max(), answered.max())) + 1
    areas = torch.stack([torch.bincount(image, minlength=numbers) for image in flat])
    shown = torch.stack([torch.bincount(image, minlength=numbers) > 0
                         for image in answered.flatten(1)])
    weights = areas.gather(1, flat).float().rsqrt()
    shared = weights * shown.gather(1, flat)
    weights = torch.where(shared.any(dim=1, keepdim=True), shared, weights)
    return torch.multinomial(weights, count, replacement=True, generator=generator)


def masks_of(asked: Tensor, answered: Tensor, points: Tensor) -> Tensor:
    """The masks on ``answered`` of the objects at points of ``asked``.

    Args:
        asked, answered: B x H x W, object numbers.
        points: B x K, indices into the H * W pixels.

    Returns:
        B x K x H x W, bool.
    """
    return answered[:, None] == asked.flatten(1).gather(1, points)[..., None, None]


def mask_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy plus Dice loss of masks, B x K x H x W, as SAM is trained with focal plus
    Dice."""
    target = masks.float()
    # half of the weight for the mask, half for the rest: most objects are small
    inside = target.mean(dim=(2, 3), keepdim=True).clamp(1e-4, 1 - 1e-4)
    weight = target / inside + (1 - target) / (1 - inside)
    entropy = F.binary_cross_entropy_with_logits(logits, target, weight=weight) / 2
    chances = logits.sigmoid()
    overlap = 2 * (chances * target).sum(dim=(2, 3)) + 1
    dice = 1 - overlap / (chances.sum(dim=(2, 3)) + target.sum(dim=(2, 3)) + 1)
    return entropy + dice.mean()


def mask_iou(logits: Tensor, masks: Tensor) -> Tensor:
    """Mean IoU of masks, B x K x H x W, in [0, 1]; those that should be empty do not count."""
    found = logits > 0
    both, either = (found & masks).sum(dim=(2, 3)), (found | masks).sum(dim=(2, 3))
    there = masks.any(dim=3).any(dim=2)
    return (both / either.clamp(min=1))[there].mean()
