"""A decoder that predicts the mask of the object at a point, to train the encoder."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MaskDecoder(nn.Module):
    """Predicts the mask of the object at a point from two feature maps.

    It is a small relative of SAM's decoder (Segment Anything, arXiv 2304.02643, Sec. 3). The map
    is enlarged, a feature is read at the point, and its product with every pixel gives the logits.
    The two maps show the same scene in different looks. The point is read from one map and the
    mask is written on the other, so that features must not depend on the look.

    Args:
        channels: number of channels of the encoder's map.
        width: number of channels of the enlarged map.
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
        """Predict the masks of points.

        Args:
            asked, answered: maps B x C x h x w of two looks of a scene.
            points: B x K, indices into the 4h * 4w pixels of the masks, row by row.

        Returns:
            Logits, B x K x 4h x 4w.
        """
        pixels = self.enlarge(answered)
        read = self.enlarge(asked).flatten(2).transpose(1, 2)  # B x 16hw x width
        chosen = read.gather(1, points[..., None].expand(-1, -1, read.shape[-1]))
        query = self.query(chosen) / read.shape[-1] ** 0.5
        return (query @ pixels.flatten(2)).unflatten(-1, pixels.shape[2:]) + self.bias


def choose_points(objects: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Choose points of objects, weighted by the root of the objects' areas for the small ones.

    Args:
        objects: B x H x W, object numbers.
        count: K, number of points of an image.
        generator: source of random numbers.

    Returns:
        B x K, indices into the H * W pixels.
    """
    flat = objects.flatten(1)
    areas = torch.stack([torch.bincount(image, minlength=int(flat.max()) + 1) for image in flat])
    weights = areas.gather(1, flat).float().rsqrt()
    return torch.multinomial(weights, count, replacement=True, generator=generator)


def mask_loss(logits: Tensor, objects: Tensor, points: Tensor) -> Tensor:
    """Cross-entropy plus Dice loss of masks. SAM uses focal plus Dice.

    Args:
        logits: B x K x H x W.
        objects: B x H x W, object numbers.
        points: B x K, indices into the H * W pixels.
    """
    asked = objects.flatten(1).gather(1, points)
    target = (objects[:, None] == asked[..., None, None]).float()
    # mask and rest have half of the weight each, because most objects are small
    inside = target.mean(dim=(2, 3), keepdim=True).clamp(1e-4, 1 - 1e-4)
    weight = target / inside + (1 - target) / (1 - inside)
    entropy = F.binary_cross_entropy_with_logits(logits, target, weight=weight) / 2
    chances = logits.sigmoid()
    overlap = 2 * (chances * target).sum(dim=(2, 3)) + 1
    dice = 1 - overlap / (chances.sum(dim=(2, 3)) + target.sum(dim=(2, 3)) + 1)
    return entropy + dice.mean()


def mask_iou(logits: Tensor, objects: Tensor, points: Tensor) -> Tensor:
    """Mean IoU of masks and objects, in [0, 1]. The shapes are those of ``mask_loss``."""
    asked = objects.flatten(1).gather(1, points)
    target = objects[:, None] == asked[..., None, None]
    found = logits > 0
    both = (found & target).sum(dim=(2, 3))
    return (both / (found | target).sum(dim=(2, 3)).clamp(min=1)).mean()
