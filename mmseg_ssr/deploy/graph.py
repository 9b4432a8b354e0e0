"""The network for other programs: an image goes in, logits of its size come out."""
import copy
from typing import Any, Mapping

import torch
from torch import Tensor, nn

from ..models.mit import EfficientSelfAttention
from ..uda.student import full_precision


class Deployed(nn.Module):
    """The shadow branch with normalization before it and ``test_cfg.logit_shift`` after it.

    Args:
        network: a segmentor in eval mode, with its weights.
        normalization: ``mean``, ``std`` (of values in 0..255) and ``to_rgb``, see
            :func:`~mmseg_ssr.deploy.preparation.normalization`.
    """

    def __init__(self, network: nn.Module, normalization: Mapping[str, Any]):
        super().__init__()
        self.network = network
        self.to_bgr = not normalization['to_rgb']
        for name in ('mean', 'std'):
            self.register_buffer(
                name, torch.tensor(normalization[name], dtype=torch.float32).view(1, 3, 1, 1))
        shift = (network.test_cfg or {}).get('logit_shift')
        self.register_buffer('shift', torch.tensor(
            shift, dtype=torch.float32).view(1, -1, 1, 1) if shift else None)

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits B x K x H x W of images B x 3 x H x W, RGB in 0..255, float32."""
        image = image.flip(1) if self.to_bgr else image
        logits = full_precision(self.network.encode_decode((image - self.mean) / self.std, None))
        return logits if self.shift is None else logits + self.shift


def traceable(module: nn.Module) -> nn.Module:
    """A copy that computes the same with operations that do not bind a graph to one size."""
    module = copy.deepcopy(module)
    for part in module.modules():
        if isinstance(part, EfficientSelfAttention):
            part.convolves = True
    return module
