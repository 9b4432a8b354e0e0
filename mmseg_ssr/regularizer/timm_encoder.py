"""Any timm network as the frozen encoder: DINOv2, DINOv3, SAM, SAM 2, ConvNeXt and others."""
from typing import Any, Dict, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError
from .frozen import FrozenNetwork
from .timm_network import TimmMaps, published_settings

#: ImageNet's mean and standard deviation in 0..255, as in the configs of mmseg.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


class FrozenTimmEncoder(FrozenNetwork):
    """A frozen network of timm, from an image of any size to one map.

    The image is resized to ``input_size`` (bilinear, corners not aligned, aspect not kept), like
    SAM's. Its normalization is changed to that of the network's training. The maps of several
    layers are averaged over the cells of the last one and concatenated along channels.

    Args:
        model: name in timm, such as 'vit_base_patch14_dinov2.lvd142m', 'samvit_base_patch16.sa1b',
            'sam2_hiera_base_plus.fb_r896' or 'convnext_base.fb_in22k'.
        checkpoint: file of the weights, as published or in timm's format (``.safetensors``). None
            takes random weights and must be given explicitly. Nothing is ever downloaded.
        input_size: side of the square input or (height, width), in pixels, multiples of the largest
            stride of the layers. None takes the size that timm states for the weights. Position
            embeddings are resampled.
        layers: indices of the blocks (ViT) or stages (others), ascending. Negative ones count from
            the end.
        norm: whether to normalize every map over channels. The network's own last norm is used if
            it has one for every layer (ViT, SAM's neck), else a layer norm without weights. Raw
            maps of some networks are large enough to saturate the attention.
        mean, std: numbers that normalized the incoming image, RGB in 0..255.
        model_args: further arguments of the network in timm, for small ones.

    Raises:
        ConfigError: a model, layer or argument is unknown, or the input size does not fit.
        MissingFile, CheckpointError: the weights are missing, or belong to another network.
    """

    def __init__(self,
                 model: str,
                 *,
                 checkpoint: Optional[str],
                 input_size: Union[int, Sequence[int], None] = None,
                 layers: Sequence[int] = (-1, ),
                 norm: bool = True,
                 mean: Sequence[float] = MEAN,
                 std: Sequence[float] = STD,
                 model_args: Optional[Dict[str, Any]] = None):
        trained = published_settings(model)
        size = trained.input_size[1:] if input_size is None else input_size
        size = (size, size) if isinstance(size, int) else tuple(size)
        if any(side < 1 for side in size):
            raise ConfigError(f'input_size of the encoder {model} must be at least 1, got '
                              f'{input_size}')
        maps = TimmMaps(model, checkpoint, layers, norm, size, model_args)
        if any(side % maps.stride for side in size):
            raise ConfigError(f'input_size of the encoder {model} must be a multiple of '
                              f'{maps.stride}, got {input_size}')
        super().__init__(maps)
        self.input_size = size
        self.out_channels = sum(shape[1] for shape in maps.shapes)
        scale, shift = change_of_normalization(mean, std, trained.mean, trained.std)
        self.register_buffer('scale', scale, persistent=False)
        self.register_buffer('shift', shift, persistent=False)

    @torch.no_grad()
    def forward(self, img: Tensor) -> Tensor:
        """Map normalized images B x 3 x H x W to B x ``out_channels`` x h x w."""
        if img.shape[2:] != self.input_size:
            img = F.interpolate(img, self.input_size, mode='bilinear', align_corners=False)
        maps = self.network(img * self.scale + self.shift)
        size = maps[-1].shape[2:]
        return torch.cat([F.adaptive_avg_pool2d(feature, size) for feature in maps], dim=1)


def change_of_normalization(mean: Sequence[float], std: Sequence[float],
                            new_mean: Sequence[float],
                            new_std: Sequence[float]) -> Tuple[Tensor, Tensor]:
    """Return ``scale`` and ``shift``, 1 x 3 x 1 x 1, from one normalization to another.

    Take an image normalized by ``mean`` and ``std`` in 0..255. Multiplied by the scale, plus the
    shift, it is normalized by ``new_mean`` and ``new_std`` in 0..1.
    """
    mean, std, new_mean, new_std = (
        torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1)
        for values in (mean, std, new_mean, new_std))
    scale = std / (255 * new_std)
    shift = (mean - 255 * new_mean) / (255 * new_std)
    return scale.float(), shift.float()
