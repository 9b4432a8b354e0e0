"""The frozen image encoder of SAM (Segment Anything, arXiv 2304.02643)."""
from functools import partial
from pathlib import Path
from typing import Any, Dict, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import CheckpointError, ConfigError, nearest
from ..weights import check_values, read_weights
from .frozen import FrozenNetwork
from .sam_attention import SAMAttention, resample_positions

#: Constructor arguments of the encoders, besides those in :data:`SHARED`.
VARIANTS: Dict[str, Dict[str, Any]] = {
    'vit_b': dict(embed_dim=768, depth=12, num_heads=12, global_attn_indexes=(2, 5, 8, 11)),
    'vit_l': dict(embed_dim=1024, depth=24, num_heads=16, global_attn_indexes=(5, 11, 17, 23)),
    'vit_h': dict(embed_dim=1280, depth=32, num_heads=16, global_attn_indexes=(7, 15, 23, 31)),
    # 0.9 million parameters, trained by tools/pretrain_mini_sam.py
    'mini': dict(embed_dim=128, depth=4, num_heads=4, global_attn_indexes=(1, 3), patch_size=8,
                 window_size=8, out_chans=64),
}
SHARED = dict(patch_size=16, mlp_ratio=4, qkv_bias=True, use_rel_pos=True, window_size=14,
              out_chans=256)

#: Name of the weights in this package, see ``mini_sam/README.md``.
SHIPPED = 'shipped'


class FrozenSAMEncoder(FrozenNetwork):
    """SAM's frozen image encoder, from an image of any size to one map.

    The image is resized to ``input_size`` squared (bilinear, corners not aligned, no antialias,
    aspect not kept) as in the published code. SAM's own normalization is that of ImageNet in
    0..255, so crops normalized by mmseg pass unchanged.

    Args:
        variant: 'vit_b', 'vit_l', 'vit_h', or 'mini', which has a million parameters and is for
            images of 128 pixels.
        checkpoint: file of the published SAM weights, or of an image encoder alone. 'shipped' takes
            the weights of 'mini' that come with this package. None takes random weights (tests,
            controls) and must be given explicitly.
        input_size: side of the square input in pixels, a multiple of the patch size. Positions are
            resampled if the weights were trained at another size (1024 as published).
        encoder_args: arguments of ``segment_anything.modeling.ImageEncoderViT`` that replace the
            variant's, for small encoders.

    Raises:
        ImportError: ``segment_anything`` is not installed.
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
        for block in network.blocks:
            block.attn = SAMAttention(block.attn)
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


def build_image_encoder(variant: str, input_size: int,
                        encoder_args: Optional[Dict[str, Any]]) -> nn.Module:
    """Build an ``ImageEncoderViT`` with the variant's arguments, some of them replaced."""
    try:
        from segment_anything.modeling import ImageEncoderViT
    except ImportError as error:
        raise ImportError('the SAM encoder needs the package segment-anything: '
                          'pip install segment-anything==1.0') from error
    if variant not in VARIANTS:
        raise ConfigError(f'SAM variant must be one of {sorted(VARIANTS)}, got {variant!r}'
                          f'{nearest(variant, VARIANTS)}')
    args = {**SHARED, **VARIANTS[variant], **(encoder_args or {})}
    args.setdefault('norm_layer', partial(nn.LayerNorm, eps=args.pop('norm_eps', 1e-6)))
    if input_size < 1 or input_size % args['patch_size']:
        raise ConfigError(f'input_size of the SAM encoder must be a multiple of its patch size '
                          f'{args["patch_size"]}, got {input_size}')
    args['img_size'] = input_size
    try:
        return ImageEncoderViT(**args)
    except TypeError as error:
        raise ConfigError(f'encoder_args of the SAM encoder: {error}') from error


def load_image_encoder(network: nn.Module, checkpoint: str) -> None:
    """Load the image encoder from a SAM checkpoint, or from one of the encoder alone, strictly."""
    weights = read_weights(checkpoint)
    prefix = 'image_encoder.'
    inner = {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)} or weights
    expected = network.state_dict()
    check_values(inner, expected, checkpoint)
    inner = {k: resample_to(v, expected[k]) if k in expected else v for k, v in inner.items()}
    try:
        network.load_state_dict(inner)
    except RuntimeError as error:
        summary = ' '.join(str(error).split())[:200]
        raise CheckpointError(f'{checkpoint} does not hold this SAM encoder ({summary}...): use '
                              'the weights file of the variant in the config') from error


def resample_to(value: Tensor, expected: Tensor) -> Tensor:
    """Resample a position table of another input size to the expected shape. Keep other values."""
    if value.shape == expected.shape:
        return value
    if value.dim() == 2 and value.shape[1] == expected.shape[1]:  # rel_pos, L x c
        return resample_positions(value, expected.shape[0])
    if value.dim() == 4 and value.shape[0] == 1:  # pos_embed, 1 x h x w x C
        resized = F.interpolate(value.permute(0, 3, 1, 2), size=expected.shape[1:3],
                                mode='bicubic', align_corners=False)
        return resized.permute(0, 2, 3, 1)
    return value
