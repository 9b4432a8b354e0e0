"""ViT-Adapter on DINOv2, as VFM-UDA++ uses it."""
import math
from functools import partial
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from timm.layers import resample_patch_embed
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ...errors import ConfigError
from ...host import BACKBONES, logger
from ...regularizer.timm_network import create_network
from ...utils.registration import register
from ...weights import read_weights
from ...weights.lightning_layouts import is_vfmuda_layout, segmentor_layout
from .adapter import LARGEST_STRIDE, ViTAdapter, build_norm, check_interactions
from .loading import load_part

#: Side of the images with which DINOv2's positions were trained, in pixels.
TRAINED_SIDE = 518
#: Added to the number of patches when positions are resampled, as in DINOv2's code.
OFFSET = 0.1
#: Batch norms of mmcv for maps, by their names.
BATCH_NORMS = ('BN', 'BN2d', 'SyncBN')
#: Channels for each head of the deformable attentions.
HEAD_WIDTH = 64


@register(BACKBONES)
class DINOv2Adapter(ViTAdapter):
    """DINOv2 (arXiv 2304.07193) with a ViT-Adapter (arXiv 2205.08534), the backbone of VFM-UDA++.

    Images B x 3 x H x W -> four maps B x C at 1/4, 1/8, 1/16 and 1/32 of the resized image
    (VFM-UDA++, arXiv 2503.10685, Sec. 3). Every image is resized first (bilinear, corners not
    aligned): 1120 pixels are 80 x 80 patches of 14. Numbers and names are those of the published
    code. DINOv2's last norm is not part of the network, because patch maps are raw block outputs.

    Args:
        model: DINOv2 without registers in timm, such as 'vit_base_patch14_dinov2.lvd142m'.
        input_size: side of the resized images in pixels. It is a multiple of 32 and of the patch:
            of 224 for patches of 14, of 32 for patches of 16. None resizes each side to the nearest
            such multiple.
        patch_size: side of a patch, 14 or 16 in the paper. The filters of DINOv2 are resampled to
            it once.
        interaction_indexes: first and last block for each of the four interactions; None shares all
            blocks equally.
        conv_inplane: width of the spatial prior's stem.
        n_points, deform_num_heads, deform_ratio: points, heads and width of the values / width of
            the deformable attentions. Heads None: one for 64 channels.
        cffn_ratio: hidden width of the extractors' feed-forward networks / width.
        batch_norm_cfg: batch norm of stem and maps.
        with_cp: gradient checkpointing of blocks and interactions.
        pretrained: file of DINOv2's weights, or of VFM-UDA++'s pre-trained adapter, which holds
            DINOv2 too. None starts from scratch.
        init_cfg: the same in mmcv's form, ``dict(type='Pretrained', checkpoint=FILE)``.
        model_args: further arguments of the ViT in timm, for small ones.

    Attributes:
        stride: sides of resized images are multiples of this number of pixels.
        map_channels: width of each of the four maps.

    Raises:
        ConfigError: sizes, blocks or heads do not fit each other, or the model is no such ViT.
    """

    def __init__(self,
                 model: str = 'vit_base_patch14_dinov2.lvd142m',
                 input_size: Optional[int] = 1120,
                 patch_size: int = 14,
                 interaction_indexes: Optional[Sequence[Sequence[int]]] = None,
                 conv_inplane: int = 64,
                 n_points: int = 4,
                 deform_num_heads: Optional[int] = None,
                 cffn_ratio: float = 0.25,
                 deform_ratio: float = 0.5,
                 batch_norm_cfg: Optional[Dict[str, Any]] = None,
                 with_cp: bool = False,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None,
                 model_args: Optional[Dict[str, Any]] = None):
        super().__init__()
        if pretrained is not None and init_cfg is not None:
            raise ConfigError('backbone: give pretrained or init_cfg, not both')
        self.pretrained = pretrained or (init_cfg or {}).get('checkpoint')
        self.stride = stride_of(patch_size)
        check_input_size(input_size, self.stride)
        self.input_size, self.with_cp = input_size, with_cp
        self.vit = plain_vit(model, model_args or {})
        set_patch_size(self.vit, patch_size)
        batch_norm_cfg = batch_norm_cfg or dict(type='SyncBN', momentum=0.01)
        check_batch_norm(batch_norm_cfg)
        width, depth = self.vit.embed_dim, len(self.vit.blocks)
        indexes = quarters(depth) if interaction_indexes is None else interaction_indexes
        check_interactions(indexes, depth, model)
        self.map_channels = (width, ) * 4
        self.add_adapter(
            width, indexes, layer_norm=partial(nn.LayerNorm, eps=1e-5),
            batch_norm=partial(build_norm, batch_norm_cfg),
            num_heads=max(1, width // HEAD_WIDTH) if deform_num_heads is None
            else deform_num_heads, init_value=0.,
            conv_inplane=conv_inplane, num_points=n_points, ratio=deform_ratio,
            ffn_ratio=cffn_ratio, with_cp=with_cp)

    def init_weights(self) -> None:
        """Initialize the adapter, and load the pretrained weights if a file is given.

        Raises:
            MissingFile, CheckpointError: the weights file is missing or belongs to another network.
        """
        self.initialize_adapter()
        if self.pretrained is None:
            return
        weights = read_weights(self.pretrained)
        if is_vfmuda_layout(weights):
            self._load_adapter(segmentor_layout(weights), self.pretrained)
        else:
            self._load_vit(weights, self.pretrained)
            logger().warning(
                '%s holds DINOv2 alone: the adapter starts untrained. The published results start '
                'from an adapter that was pre-trained on ImageNet (docs/encoders.md)',
                self.pretrained)

    def class_token(self) -> Tensor:
        """Return the class token with its position, 1 x 1 x C."""
        return self.vit.cls_token + self.vit.pos_embed[:, :1]

    def patch_tokens(self, img: Tensor) -> Tuple[Tensor, Tuple[int, int]]:
        """Return patch tokens B x N x C with their positions, and their grid."""
        patches = self.vit.patch_embed.proj(img)
        grid = tuple(int(side) for side in patches.shape[2:])
        positions = resampled_positions(self.vit.pos_embed[:, 1:], grid)
        return patches.flatten(2).transpose(1, 2) + positions, grid

    def run_group(self, tokens: Tensor, first: int, last: int) -> Tensor:
        """Run the blocks ``first`` to ``last``."""
        for block in self.vit.blocks[first:last + 1]:
            if self.with_cp and tokens.requires_grad:
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        return tokens

    def forward(self, img: Tensor) -> List[Tensor]:
        """Resize images B x 3 x H x W and return the four maps."""
        size = [self.input_size or max(1, round(int(side) / self.stride)) * self.stride
                for side in img.shape[2:]]
        # images of this size stay the same to the bit; a comparison would bind an exported graph
        img = F.interpolate(img, size, mode='bilinear', align_corners=False)
        return self.normalized(self.context(img))

    def _load_adapter(self, weights: Mapping[str, Tensor], path: str) -> None:
        """Load the whole backbone. A decode head in the file is left out."""
        own = {name[len('backbone.'):]: value for name, value in weights.items()
               if not name.startswith('decode_head.')}
        load_part(self, self._with_own_patches(own), self.state_dict(), path, 'DINOv2Adapter')

    def _load_vit(self, weights: Mapping[str, Tensor], path: str) -> None:
        """Load the ViT. Its last norm and the mask token are left out."""
        own = {f'vit.{name}': value for name, value in weights.items()
               if not name.startswith(('norm.', 'mask_token'))}
        wanted = {name: value for name, value in self.state_dict().items()
                  if name.startswith('vit.')}
        load_part(self, self._with_own_patches(own), wanted, path, 'DINOv2')

    def _with_own_patches(self, weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """Return the weights with filters of this network's patch size."""
        name, own = 'vit.patch_embed.proj.weight', self.vit.patch_embed.proj.weight
        filters = weights.get(name)
        if isinstance(filters, Tensor) and filters.dim() == own.dim() and \
                filters.is_floating_point():  # other values are refused by their name
            weights[name] = resample_patch_embed(filters, list(own.shape[2:]))
        return weights


def plain_vit(model: str, args: Dict[str, Any]) -> nn.Module:
    """Return a ViT of timm with a class token and learned positions, without its last norm.

    Raises:
        ConfigError: the network has registers or is no such ViT.
    """
    vit = create_network(model, None, (TRAINED_SIDE, TRAINED_SIDE), args)
    plain = all(hasattr(vit, name) for name in ('cls_token', 'pos_embed', 'blocks', 'patch_embed'))
    if not plain or getattr(vit, 'num_prefix_tokens', 0) != 1 or vit.no_embed_class or \
            vit.pos_embed is None:
        raise ConfigError(f'DINOv2Adapter needs a ViT with a class token, positions for all tokens '
                          f'and no registers, such as vit_base_patch14_dinov2.lvd142m, got {model}')
    vit.norm = vit.head = nn.Identity()
    return vit


def set_patch_size(vit: nn.Module, patch_size: int) -> None:
    """Replace the filters of a ViT's patches by filters of another size, resampled from them."""
    old = vit.patch_embed.proj
    if old.kernel_size == (patch_size, patch_size):
        return
    new = nn.Conv2d(old.in_channels, old.out_channels, patch_size, stride=patch_size)
    with torch.no_grad():
        new.weight.copy_(resample_patch_embed(old.weight, [patch_size, patch_size]))
        new.bias.copy_(old.bias)
    vit.patch_embed.proj = new


def resampled_positions(positions: Tensor, grid: Tuple[int, int]) -> Tensor:
    """Return position embeddings for another grid, 1 x h*w x C.

    DINOv2's rule: bicubic, without antialias, by a factor instead of a size. timm resamples by the
    size and with antialias, which gives other numbers.

    Args:
        positions: 1 x n*n x C, row by row.
        grid: (h, w).
    """
    side = math.isqrt(positions.shape[1])
    if grid == (side, side):
        return positions
    maps = positions.unflatten(1, (side, side)).permute(0, 3, 1, 2)
    factors = tuple((length + OFFSET) / side for length in grid)
    return F.interpolate(maps, scale_factor=factors, mode='bicubic').flatten(2).transpose(1, 2)


def quarters(depth: int) -> List[Tuple[int, int]]:
    """Return first and last of the blocks in each quarter of a ViT.

    Raises:
        ConfigError: the number of blocks is no multiple of 4.
    """
    if depth % 4:
        raise ConfigError(f'DINOv2Adapter: {depth} blocks are no four equal groups: give '
                          'interaction_indexes')
    return [(i * depth // 4, (i + 1) * depth // 4 - 1) for i in range(4)]


def stride_of(patch_size: int) -> int:
    """Return the number of pixels of which the sides of resized images are multiples."""
    if patch_size < 1:
        raise ConfigError(f'patch_size must be at least 1 pixel, got {patch_size}')
    return patch_size * LARGEST_STRIDE // math.gcd(patch_size, LARGEST_STRIDE)


def check_batch_norm(config: Mapping[str, Any]) -> None:
    """Raise a :class:`ConfigError` unless a config in mmcv's form is that of a batch norm."""
    if config.get('type') not in BATCH_NORMS:
        raise ConfigError(f'batch_norm_cfg.type must be one of {", ".join(BATCH_NORMS)}, got '
                          f'{config.get("type")!r}')


def check_input_size(size: Optional[int], stride: int) -> None:
    """Raise a :class:`ConfigError` unless the size is None or a multiple of the stride."""
    if size is not None and (size < 1 or size % stride):
        raise ConfigError(f'input_size must be a multiple of {stride} (of the patch size and of '
                          f'{LARGEST_STRIDE}) or None, got {size}')
