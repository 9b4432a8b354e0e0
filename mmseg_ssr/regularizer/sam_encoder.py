"""The frozen image encoder of SAM (Segment Anything, arXiv 2304.02643)."""
from pathlib import Path
from typing import Any, Dict, Optional

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError
from .frozen import FrozenNetwork
from .sam_network import build_image_encoder, load_image_encoder, use_fused_attention

#: Name of the weights in this package, see ``mini_sam/README.md``.
SHIPPED = 'shipped'


class FrozenSAMEncoder(FrozenNetwork):
    """SAM's frozen image encoder, from an image of any size to one map.

    The image is resized to ``input_size`` squared (bilinear, corners not aligned, no antialias,
    aspect not kept) as in the published code. SAM's own normalization is that of ImageNet in
    0..255, so crops normalized by mmseg pass unchanged.

    Args:
        variant: 'vit_b', 'vit_l', 'vit_h', 'vit_t' (MobileSAM's TinyViT, 8 % of vit_b's
            arithmetic), or 'mini', which has a million parameters and is for images of 128 pixels.
        checkpoint: file of the published SAM weights, or of an image encoder alone. 'shipped' takes
            the weights of 'mini' that come with this package. None takes random weights (tests,
            controls) and must be given explicitly.
        input_size: side of the square input in pixels, a multiple of the patch size, of 16 for
            'vit_t'. Positions are resampled if the weights were trained at another size (1024 as
            published). 'vit_t' has none.
        encoder_args: arguments of ``segment_anything.modeling.ImageEncoderViT`` that replace the
            variant's, for small encoders. For 'vit_t', arguments of
            :class:`~mmseg_ssr.regularizer.tiny_vit.TinyViTImageEncoder`.

    Raises:
        ImportError: ``segment_anything`` is not installed. 'vit_t' does without.
        ConfigError: the variant or an encoder argument is unknown, or the input size does not fit.
        MissingFile, CheckpointError: the weights are missing or do not fit.
    """

    def __init__(self,
                 variant: str = 'vit_b',
                 *,
                 checkpoint: Optional[str],
                 input_size: int = 1024,
                 encoder_args: Optional[Dict[str, Any]] = None):
        network = build_image_encoder(variant, input_size, encoder_args)
        if checkpoint is not None:
            load_image_encoder(network, shipped(variant) if checkpoint == SHIPPED else checkpoint)
        use_fused_attention(network)
        super().__init__(network)
        self.input_size = input_size
        self.out_channels = network.neck[0].out_channels

    @torch.no_grad()
    def forward(self, img: Tensor) -> Tensor:
        """Map normalized images B x 3 x H x W to B x 256 x input_size/16 x input_size/16."""
        size = (self.input_size, self.input_size)
        if img.shape[2:] != size:
            img = F.interpolate(img, size=size, mode='bilinear', align_corners=False)
        return self.network(img)


def shipped(variant: str) -> str:
    """Return the path of the weights in this package.

    Raises:
        ConfigError: the variant has none.
    """
    if variant != 'mini':
        raise ConfigError(f"checkpoint='{SHIPPED}' is for the SAM variant 'mini' alone, got "
                          f'{variant!r}: give the path of a file')
    return str(Path(__file__).with_name('mini_sam') / 'weights.pth')
