"""Recorded random decisions, in the place of :class:`mmseg_ssr.uda.draws.Draws`."""
import torch
from torch import Tensor

from mmseg_ssr.uda.draws import LABEL_VALUES


class RecordedDraws:
    """Gives the decisions of an iteration. Colors are not drawn: augmentations are fixed functions.

    Args:
        label: B x 1 x H x W, the source labels.
        mix: B x H x W, whether a pixel of the mixed image is of the source.
        grids: B x rows x columns, which blocks of the masked view are kept.
    """

    def __init__(self, label: Tensor = None, mix: Tensor = None, grids: Tensor = None):
        self.label, self.mix, self.grids = label, mix, grids

    def start_iteration(self, iteration: int, first_image: int = 0) -> None:
        pass

    def class_keys(self, image: int, device: torch.device) -> Tensor:
        """Pasted classes first, then those that the image lacks, then those that stay."""
        label, mix = self.label[image, 0].flatten(), self.mix[image].flatten().bool()
        keys = torch.full((LABEL_VALUES, ), 1., dtype=torch.float64)
        keys[label[mix].unique()] = 0.
        keys[label[~mix].unique()] = 2.
        return keys + torch.arange(LABEL_VALUES) / (2. * LABEL_VALUES)

    def block_grid(self, image: int, shape, device: torch.device) -> Tensor:
        assert self.grids[image].shape == tuple(shape)
        return self.grids[image].float()
