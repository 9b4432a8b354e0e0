"""ViT-Adapter on BEiT, as SARFormer uses it."""
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
from timm.layers import trunc_normal_
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ...errors import ConfigError
from ...host import BACKBONES
from ...utils.registration import register
from ...weights import read_weights
from .adapter import LARGEST_STRIDE, ViTAdapter, build_norm, check_interactions
from .beit import BEiTBlock, PatchEmbedding
from .beit_weights import TABLE, beit_layout, resample_table
from .loading import load_part


@register(BACKBONES)
class BEiTAdapter(ViTAdapter):
    """BEiT (arXiv 2106.08254) with a ViT-Adapter (arXiv 2205.08534), the backbone of SARFormer.

    Images B x 3 x ``img_size`` -> four maps B x ``embed_dims`` at 1/4, 1/8, 1/16 and 1/32, and the
    same maps before their batch norms ("feature aggregation" of SARFormer, Sec. 3), from which its
    queries are pooled. Defaults are the published base size.

    Args:
        img_size: side of the images or (height, width), in pixels, multiples of 32. BEiT's window
            is the whole image, so it takes images of this size only.
        patch_size: side of a patch in pixels.
        embed_dims, num_layers, num_heads, mlp_ratio, qv_bias: of BEiT.
        drop_path_rate: stochastic depth of BEiT's last block, growing linearly from 0, and of the
            extractors' feed-forward networks.
        init_values: first value of BEiT's layer scale and of the injectors' gamma.
        conv_inplane: width of the spatial prior's stem.
        n_points, deform_num_heads, deform_ratio: points, heads and width of the values / width of
            the deformable attentions.
        cffn_ratio: hidden width of the extractors' feed-forward networks / width.
        interaction_indexes: first and last block of BEiT for each of the four interactions.
        norm_cfg: layer norm, also of the adapter.
        batch_norm_cfg: batch norm of stem and maps.
        add_vit_feature: whether BEiT's own maps are added to the pyramid.
        with_cp: gradient checkpointing of blocks and interactions.
        pretrained: file of BEiT's weights, as published by Microsoft or in mmseg's form; None
            starts from scratch.
        init_cfg: the same in mmcv's form, ``dict(type='Pretrained', checkpoint=FILE)``.

    Raises:
        ConfigError: sizes or widths do not fit each other.
    """

    #: It also gives the maps before their norms.
    gives_context = True
    #: It takes images of ``img_size`` only.
    takes_one_size = True

    def __init__(self,
                 img_size: Union[int, Sequence[int]] = 640,
                 patch_size: int = 16,
                 embed_dims: int = 768,
                 num_layers: int = 12,
                 num_heads: int = 12,
                 mlp_ratio: float = 4,
                 qv_bias: bool = True,
                 drop_path_rate: float = 0.1,
                 init_values: float = 0.1,
                 conv_inplane: int = 64,
                 n_points: int = 4,
                 deform_num_heads: int = 12,
                 cffn_ratio: float = 0.25,
                 deform_ratio: float = 0.5,
                 interaction_indexes: Sequence[Sequence[int]] = ((0, 2), (3, 5), (6, 8), (9, 11)),
                 norm_cfg: Optional[Dict[str, Any]] = None,
                 batch_norm_cfg: Optional[Dict[str, Any]] = None,
                 add_vit_feature: bool = True,
                 with_cp: bool = False,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None):
        super().__init__()
        if pretrained is not None and init_cfg is not None:
            raise ConfigError('backbone: give pretrained or init_cfg, not both')
        self.pretrained = pretrained or (init_cfg or {}).get('checkpoint')
        self.img_size = square(img_size)
        check_size(self.img_size, patch_size)
        check_interactions(interaction_indexes, num_layers, f'a BEiT of num_layers={num_layers}')
        if not 0 <= drop_path_rate < 1:
            raise ConfigError(f'drop_path_rate must be in [0, 1), got {drop_path_rate}')
        self.with_cp = with_cp
        layer_norm = partial(build_norm, norm_cfg or dict(type='LN', eps=1e-6))
        window = tuple(side // patch_size for side in self.img_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.patch_embed = PatchEmbedding(patch_size, embed_dims)
        self.layers = nn.ModuleList(
            BEiTBlock(embed_dims, num_heads, window, int(mlp_ratio * embed_dims), layer_norm,
                      init_values, drop_path_rate * i / max(num_layers - 1, 1), qv_bias)
            for i in range(num_layers))
        self.add_adapter(
            embed_dims, interaction_indexes, layer_norm=layer_norm,
            batch_norm=partial(build_norm, batch_norm_cfg or dict(type='SyncBN')),
            num_heads=deform_num_heads, init_value=init_values, conv_inplane=conv_inplane,
            num_points=n_points, ratio=deform_ratio, ffn_ratio=cffn_ratio,
            drop_path=drop_path_rate, add_vit_feature=add_vit_feature,
            # What a group made of the class token is dropped, as in the published code.
            keep_class_token=False, norm_name='norm_{}', with_cp=with_cp)

    def init_weights(self) -> None:
        """Initialize as BEiT and ViT-Adapter do. Load BEiT's weights if a file is given.

        Raises:
            MissingFile, CheckpointError: the weights file is missing or belongs to another network.
        """
        self.initialize_adapter()
        trunc_normal_(self.cls_token, std=.02)
        for name, parameter in [*self.patch_embed.named_parameters(),
                                *self.layers.named_parameters()]:
            if parameter.dim() > 1:
                trunc_normal_(parameter, std=.02)
            elif name.endswith('bias'):
                nn.init.zeros_(parameter)
        if self.pretrained is not None:
            self._load_beit(self.pretrained)

    def patch_tokens(self, img: Tensor) -> Tuple[Tensor, Tuple[int, int]]:
        """Return patch tokens without absolute positions, and their grid."""
        return self.patch_embed(img)

    def run_group(self, tokens: Tensor, first: int, last: int) -> Tensor:
        """Run the blocks ``first`` to ``last``."""
        for layer in self.layers[first:last + 1]:
            if self.with_cp and tokens.requires_grad:
                tokens = checkpoint(layer, tokens, use_reentrant=False)
            else:
                tokens = layer(tokens)
        return tokens

    def forward(self, img: Tensor, return_context: bool = False
                ) -> Union[List[Tensor], Tuple[List[Tensor], List[Tensor]]]:
        """Return the four maps, and those before their norms if ``return_context``.

        Raises:
            ConfigError: the images are not of ``img_size``.
        """
        if tuple(img.shape[2:]) != self.img_size:
            raise ConfigError(f'BEiTAdapter takes images of img_size={self.img_size}, got '
                              f"{tuple(img.shape[2:])}: set img_size to the crop's size, and test "
                              "with test_cfg.mode='slide' and windows of that size")
        context = self.context(img)
        maps = self.normalized(context)
        return (maps, context) if return_context else maps

    def _load_beit(self, path: str) -> None:
        weights = beit_layout(read_weights(path), len(self.layers))
        own = self.state_dict()
        side = self.img_size[0] // self.patch_embed.projection.stride[0]
        for name in [one for one in weights if one.endswith(TABLE) and one in own]:
            if weights[name].shape != own[name].shape:
                weights[name] = resample_table(weights[name], side)
        wanted = {name: value for name, value in own.items()
                  if name.startswith(('layers.', 'patch_embed.', 'cls_token'))
                  and not name.endswith('relative_position_index')}
        used = {name: value for name, value in weights.items()
                if name in wanted or name.startswith('layers.')}  # no head, no mask token
        load_part(self, used, wanted, path, 'BEiT')


def square(size: Union[int, Sequence[int]]) -> Tuple[int, int]:
    """Return (height, width) of a size that may be one number."""
    return (size, size) if isinstance(size, int) else tuple(size)


def check_size(size: Sequence[int], patch_size: int) -> None:
    """Raise a :class:`ConfigError` unless both sides are multiples of 32 and of the patch."""
    if len(size) != 2 or any(side < 1 or side % LARGEST_STRIDE or side % patch_size
                             for side in size):
        raise ConfigError(f'img_size must be multiples of {LARGEST_STRIDE} and of the patch size '
                          f'{patch_size}, got {tuple(size)}')
