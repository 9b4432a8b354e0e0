"""ViT-Adapter (arXiv 2205.08534): a pyramid of maps from a plain ViT, for any ViT."""
import math
from typing import Any, Callable, Dict, List, Sequence, Tuple

import torch
from timm.layers import trunc_normal_
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ...errors import ConfigError
from ...host import build_norm_layer
from .deformable_attention import DeformableAttention
from .interaction import Interaction, Places
from .spatial_prior import SpatialPrior

Norm = Callable[[int], nn.Module]
#: Sides of images are multiples of the largest stride.
LARGEST_STRIDE = 32


class ViTAdapter(nn.Module):
    """The adapter beside a ViT: spatial prior, interactions, and the four maps.

    A subclass makes the ViT and says how to run it, by :meth:`class_token`, :meth:`patch_tokens`
    and :meth:`run_group`. It calls :meth:`add_adapter` in its constructor, after it has made the
    ViT. So the parameters stand in the order and under the names of the published checkpoints.
    """

    def add_adapter(self,
                    width: int,
                    interaction_indexes: Sequence[Sequence[int]],
                    *,
                    layer_norm: Norm,
                    batch_norm: Norm,
                    num_heads: int,
                    init_value: float,
                    conv_inplane: int = 64,
                    num_points: int = 4,
                    ratio: float = 0.5,
                    ffn_ratio: float = 0.25,
                    drop_path: float = 0.,
                    add_vit_feature: bool = True,
                    keep_class_token: bool = True,
                    norm_name: str = 'norm{}',
                    with_cp: bool = False) -> None:
        """Make the adapter's parts.

        Args:
            width: C, width of the ViT and of the maps.
            interaction_indexes: first and last block of the ViT for each of the four interactions,
                see :func:`check_interactions`.
            layer_norm, batch_norm: make the norms of the interactions, of stem and maps.
            num_heads, num_points, ratio: of the deformable attentions.
            init_value: first value of the injectors' gamma.
            conv_inplane: width of the stem.
            ffn_ratio: hidden width of the extractors' feed-forward networks / C.
            drop_path: stochastic depth of these networks.
            add_vit_feature: whether the ViT's own maps are added to the pyramid.
            keep_class_token: whether a group of blocks starts from the class token that the group
                before it has left. False starts each group from the learned one.
            norm_name: name of the norms of the maps, with {} for 1 to 4.
            with_cp: gradient checkpointing of the interactions.

        Raises:
            ConfigError: a width is below 1.
        """
        check_widths(width, conv_inplane, num_points, ffn_ratio)
        self.interaction_indexes = [tuple(pair) for pair in interaction_indexes]
        self.add_vit_feature, self.keep_class_token = add_vit_feature, keep_class_token
        self.norm_name, self.adapter_with_cp = norm_name, with_cp
        self.level_embed = nn.Parameter(torch.randn(3, width))
        self.spm = SpatialPrior(conv_inplane, width, batch_norm)
        last = len(interaction_indexes) - 1
        self.interactions = nn.ModuleList(
            Interaction(width, layer_norm, num_heads, num_points, ratio, ffn_ratio, drop_path,
                        init_value, extra_extractors=2 if i == last else 0)
            for i in range(last + 1))
        self.up = nn.ConvTranspose2d(width, width, 2, stride=2)
        for i in range(1, 5):
            self.add_module(norm_name.format(i), batch_norm(width))

    def class_token(self) -> Tensor:
        """Return the ViT's learned class token 1 x 1 x C, with its position if it has one."""
        return self.cls_token

    def patch_tokens(self, img: Tensor) -> Tuple[Tensor, Tuple[int, int]]:
        """Return the ViT's patch tokens B x N x C, with positions if it has any, and their grid."""
        raise NotImplementedError

    def run_group(self, tokens: Tensor, first: int, last: int) -> Tensor:
        """Run the ViT's blocks ``first`` to ``last`` on the class token and patch tokens."""
        raise NotImplementedError

    def initialize_adapter(self) -> None:
        """Initialize the adapter as ViT-Adapter does, and leave the ViT alone."""
        for part in (self.spm, self.interactions, self.up):
            part.apply(initialize)
        for module in self.interactions.modules():
            if isinstance(module, DeformableAttention):
                module.reset_parameters()
        nn.init.normal_(self.level_embed)

    def context(self, img: Tensor) -> List[Tensor]:
        """Return the four maps before their norms, B x C x H/s x W/s, s = 4, 8, 16, 32.

        Raises:
            ConfigError: a side of the images is no multiple of 32.
        """
        if any(side % LARGEST_STRIDE for side in img.shape[2:]):
            raise ConfigError(f'{type(self).__name__}: sides of images must be multiples of '
                              f'{LARGEST_STRIDE}, got {tuple(img.shape[2:])}')
        first, *others = self.spm(img)
        shapes = [tuple(one.shape[2:]) for one in others]
        c = torch.cat([one.flatten(2).transpose(1, 2) + embed
                       for one, embed in zip(others, self.level_embed)], dim=1)
        x, grid = self.patch_tokens(img)
        places = Places.of(grid, shapes, img.device)
        class_token = self.class_token().expand(len(img), -1, -1)
        vit_maps = []
        for i in range(len(self.interactions)):
            x, c, left = self._interact(i, x, c, class_token, places)
            if self.keep_class_token:
                class_token = left
            vit_maps.append(x.transpose(1, 2).unflatten(2, grid).contiguous())
        return self._pyramid(first, c, shapes, vit_maps)

    def normalized(self, context: Sequence[Tensor]) -> List[Tensor]:
        """Return the four maps of the backbone from those before their norms."""
        return [getattr(self, self.norm_name.format(i))(one)
                for i, one in enumerate(context, start=1)]

    def _interact(self, i: int, x: Tensor, c: Tensor, class_token: Tensor,
                  places: Places) -> Tuple[Tensor, Tensor, Tensor]:
        interaction, (first, last) = self.interactions[i], self.interaction_indexes[i]
        x = self._saving(interaction.inject, x, c, places)
        tokens = self.run_group(torch.cat([class_token, x], dim=1), first, last)
        class_token, x = tokens[:, :1], tokens[:, 1:]
        return x, self._saving(interaction.extract, c, x, places), class_token

    def _saving(self, function: Callable[..., Tensor], *inputs) -> Tensor:
        """Call a function, keeping only its inputs for the backward pass if that is asked for."""
        if self.adapter_with_cp and inputs[0].requires_grad:
            return checkpoint(function, *inputs, use_reentrant=False)
        return function(*inputs)

    def _pyramid(self, first: Tensor, c: Tensor, shapes: Sequence[Tuple[int, int]],
                 vit_maps: Sequence[Tensor]) -> List[Tensor]:
        """Return the maps of the spatial prior and of the ViT as one pyramid."""
        # Contiguous: batch norm gives wrong gradients for a transposed map of one image (CPU,
        # torch 2.11).
        parts = [part.transpose(1, 2).unflatten(2, shape).contiguous() for part, shape
                 in zip(c.split([h * w for h, w in shapes], dim=1), shapes)]
        maps = [self.up(parts[0]) + first, *parts]
        if not self.add_vit_feature:
            return maps
        return [own + F.interpolate(vit, own.shape[2:], mode='bilinear', align_corners=False)
                for own, vit in zip(maps, vit_maps)]


def build_norm(config: Dict[str, Any], width: int) -> nn.Module:
    """Build the norm of a config in mmcv's form for ``width`` channels."""
    return build_norm_layer(config, width)[1]


def check_interactions(indexes: Sequence[Sequence[int]], depth: int, model: str) -> None:
    """Raise a :class:`ConfigError` unless four pairs of blocks, first <= last, cover a ViT.

    Args:
        depth: number of blocks of the ViT.
        model: name of the ViT in the error.
    """
    pairs = [tuple(pair) for pair in indexes]
    if len(pairs) != 4 or any(len(pair) != 2 or not 0 <= pair[0] <= pair[1] for pair in pairs):
        raise ConfigError('interaction_indexes must be four pairs of blocks, [first, last] each, '
                          f'got {list(indexes)}')
    if [i for first, last in pairs for i in range(first, last + 1)] != list(range(depth)):
        raise ConfigError(f'interaction_indexes must have each of the blocks 0 to {depth - 1} of '
                          f'{model} once and in order, got {list(indexes)}')


def check_widths(width: int, conv_inplane: int, num_points: int, ffn_ratio: float) -> None:
    """Raise a :class:`ConfigError` for parts of an adapter without a channel or a point."""
    for name, value in (('conv_inplane', conv_inplane), ('n_points', num_points)):
        if value < 1:
            raise ConfigError(f'{name} must be at least 1, got {value}')
    if int(width * ffn_ratio) < 1:
        raise ConfigError(f'cffn_ratio must leave at least one of {width} channels, got '
                          f'{ffn_ratio}')


def initialize(module: nn.Module) -> None:
    """Initialize a layer: linear ones truncated normal 0.02, convolutions by their fan-out."""
    if isinstance(module, nn.Linear):
        trunc_normal_(module.weight, std=.02)
    elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0, math.sqrt(2 / fan_out))
    elif isinstance(module, nn.modules.batchnorm._BatchNorm):
        nn.init.ones_(module.weight)
    if getattr(module, 'bias', None) is not None and isinstance(module.bias, nn.Parameter):
        nn.init.zeros_(module.bias)
