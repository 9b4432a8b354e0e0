"""Pseudo-labels that agree with what a frozen encoder finds alike."""
import torch
from torch import Tensor
from torch.nn import functional as F

from ..encoder_maps import EncoderMaps
from ..student import full_precision


class LabelAffinity:
    """Labels pixels by a teacher's probabilities times their means over alike places of the image.

    The frozen encoder's map says how alike two of its cells are. Each cell gets the mean of the
    probabilities of all cells, weighted by a softmax over their likeness. This is SSR's
    cross-attention (arXiv 2401.14686, Sec. III-B) without weights that have to be trained: queries
    and keys are the encoder's map, values are the teacher's probabilities. It is not in the paper.

    The weight of the labels stays that of the teacher's own confidence. The product is more
    confident, and a weight from it made results vary more from seed to seed.

    Args:
        temperature: of the softmax over the cosine similarities, above 0.
        maps: maps of the frozen encoder.
    """

    def __init__(self, temperature: float, maps: EncoderMaps):
        self.temperature, self.maps = temperature, maps

    def __call__(self, logits: Tensor, img: Tensor) -> Tensor:
        """Return the most likely class of each pixel, B x 1 x H x W, long.

        Args:
            logits: B x K x H x W of the teacher.
            img: B x 3 x H x W, the normalized target images.
        """
        probabilities = full_precision(logits).softmax(1)
        found = full_precision(self.maps.of_image(img))
        means = alike_means(probabilities, found, self.temperature)
        return (probabilities * means).argmax(1, keepdim=True)


def alike_means(probabilities: Tensor, encoder_map: Tensor, temperature: float) -> Tensor:
    """Return the means of probabilities over alike cells, B x K x H x W.

    Args:
        probabilities: B x K x H x W.
        encoder_map: B x C x h x w. Its mean over the cells of each image is subtracted, and the
            likeness of two cells is the cosine of what is left.
        temperature: the smaller, the fewer cells count.
    """
    grid = encoder_map.shape[2:]
    cells = encoder_map.flatten(2).transpose(1, 2)  # B x hw x C
    cells = F.normalize(cells - cells.mean(1, keepdim=True), dim=2)
    likeness = torch.softmax(cells @ cells.transpose(1, 2) / temperature, dim=2)  # B x hw x hw
    values = F.adaptive_avg_pool2d(probabilities, grid).flatten(2)  # B x K x hw
    means = (values @ likeness.transpose(1, 2)).unflatten(2, grid)
    return F.interpolate(means, size=probabilities.shape[2:], mode='bilinear', align_corners=False)
