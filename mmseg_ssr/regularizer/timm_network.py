"""Networks of timm, reduced to the feature maps of some of their layers."""
from typing import Any, Dict, List, Optional, Sequence, Tuple

import timm
import torch
from timm.layers import LayerNorm2d
from torch import Tensor, nn
from torch.func import functional_call

from ..errors import CheckpointError, ConfigError, UserError, nearest, one_line
from ..weights import check_sums, check_values, find_weights

Size = Tuple[int, int]


class TimmMaps(nn.Module):
    """A timm network that gives feature maps: B x 3 x H x W -> one B x C_i x h_i x w_i per layer.

    Layers are blocks in a network of one resolution (ViT), stages in others (ConvNeXt, Hiera). The
    layers behind the last chosen one are removed, and so is the classifier.

    Args:
        model: name in timm, such as 'vit_base_patch14_dinov2.lvd142m'.
        checkpoint: file of the weights as published (``.pth`` or ``.safetensors``); None takes
            random ones. Nothing is ever downloaded.
        layers: indices of the layers, ascending. Negative ones count from the end.
        norm: whether to normalize every map over channels. Networks of one resolution use their own
            last norm (SAM its neck, which narrows the map to 256 channels), others a LayerNorm per
            map.
        img_size: height and width of images that the network must take.
        model_args: further arguments of the network in timm.

    Raises:
        ConfigError: a model, tag, layer or argument is unknown, or the image size is not possible.
        MissingFile, CheckpointError: the weights are missing, or belong to another network.
    """

    def __init__(self, model: str, checkpoint: Optional[str], layers: Sequence[int], norm: bool,
                 img_size: Size, model_args: Optional[Dict[str, Any]] = None):
        super().__init__()
        network = create_network(model, checkpoint, img_size, model_args or {})
        strides = [info['reduction'] for info in network.feature_info]
        self.layers = ascending(layers, len(strides))
        #: Sides of images should be multiples of this number of pixels.
        self.stride = max(strides[i] for i in self.layers)
        self.own_norm = norm and len(set(strides)) == 1 and has_own_norm(network, img_size)
        network.prune_intermediate_layers(self.layers, prune_norm=not self.own_norm)
        self.timm_model = network
        #: Shapes 1 x C_i x h_i x w_i of the maps of an image of ``img_size``.
        self.shapes = map_shapes(network, img_size, self.layers, self.own_norm)
        self.norms = nn.ModuleList(
            LayerNorm2d(shape[1]) for shape in self.shapes if norm and not self.own_norm)

    def forward(self, img: Tensor) -> List[Tensor]:
        """Return one map B x C_i x h_i x w_i per layer."""
        maps = self.timm_model.forward_intermediates(
            img, indices=self.layers, norm=self.own_norm, intermediates_only=True)
        return [norm(feature) for norm, feature in zip(self.norms, maps)] if self.norms else maps


def create_network(model: str, checkpoint: Optional[str], img_size: Size,
                   args: Dict[str, Any]) -> nn.Module:
    """Return the network of timm with its weights, in a form that takes images of ``img_size``.

    Some networks have to be told that sizes vary (ViT). Some must not be told (ConvNeXt, SAM, Hiera
    of SAM 2). Some are built for one size (Hiera).
    """
    published_settings(model)
    refusals: List[Exception] = []
    for way in (dict(dynamic_img_size=True), {}, dict(img_size=img_size)):
        try:
            network = with_weights(model, checkpoint, {**way, **args})
            map_shapes(network, img_size)
            return network
        except UserError:
            raise
        except Exception as error:  # families refuse arguments and images in different ways
            refusals.append(error)
    plain = refusals[1]
    raise ConfigError(f'{model} of timm cannot be used for images of {img_size[0]} x '
                      f'{img_size[1]}: {one_line(plain)}') from plain


def with_weights(model: str, checkpoint: Optional[str], args: Dict[str, Any]) -> nn.Module:
    """Call ``timm.create_model`` with weights from a file.

    Raises:
        TypeError: the network takes no such argument.
        CheckpointError: the file does not hold its weights.
    """
    if checkpoint is None:
        return timm.create_model(model, **args)
    source = dict(file=find_weights(checkpoint))
    check_sums(checkpoint)
    try:
        network = timm.create_model(model, pretrained=True, pretrained_cfg_overlay=source, **args)
    except TypeError:
        raise
    except Exception as error:  # readers of weights raise many errors for wrong files
        raise CheckpointError(f'{checkpoint} does not hold the weights of {model}, or it is '
                              f'truncated ({one_line(error)[:200]}...)') from error
    check_values(network.state_dict(), network.state_dict(), checkpoint)
    return network


def published_settings(model: str) -> Any:
    """Return timm's settings for the weights of an architecture, or of its tag after a point.

    They have ``input_size`` (3, height, width), ``mean`` and ``std`` in 0..1, ``license`` and
    others.

    Raises:
        ConfigError: the name is unknown. The error has the nearest valid one.
    """
    name, _, tag = model.partition('.')
    if not timm.is_model(name):
        raise ConfigError(f'timm has no model {name!r}{nearest(name, timm.list_models())}')
    tags = [known.partition('.')[2] for known in timm.list_pretrained(f'{name}.*')]
    if tag and tag not in tags:
        raise ConfigError(f'timm has no weights {tag!r} of {name}{nearest(tag, tags)}, it has '
                          f'{tags}')
    return timm.get_pretrained_cfg(model)


def ascending(layers: Sequence[int], count: int) -> List[int]:
    """Return layers as indices in 0 .. ``count`` - 1. Negative ones count from the end.

    Raises:
        ConfigError: the layers are empty, do not exist, or are not in ascending order.
    """
    positions = [layer + count if layer < 0 else layer for layer in layers]
    if not positions or positions != sorted(set(positions) & set(range(count))):
        raise ConfigError(f'layers must be some of 0 to {count - 1} (or -{count} to -1) in '
                          f'ascending order, got {list(layers)}')
    return positions


def has_own_norm(network: nn.Module, img_size: Size) -> bool:
    """Return whether the network has a last norm for its maps."""
    try:
        map_shapes(network, img_size, norm=True)
    except AssertionError:  # timm's way to say that this family has none
        return False
    return True


def map_shapes(network: nn.Module, img_size: Size, layers: Sequence[int] = (-1, ),
               norm: bool = False) -> List[torch.Size]:
    """Return the shapes of the maps of one image, without computing the maps."""
    maps = Intermediates(network, list(layers), norm)
    tensors = (*maps.named_parameters(), *maps.named_buffers())
    shells = {name: tensor.to('meta') for name, tensor in tensors}
    img = torch.zeros(1, 3, *img_size, device='meta')
    return [feature.shape for feature in functional_call(maps, shells, (img, ))]


class Intermediates(nn.Module):
    """A module whose forward pass is ``forward_intermediates`` of a timm network."""

    def __init__(self, network: nn.Module, layers: Sequence[int], norm: bool):
        super().__init__()
        self.network, self.layers, self.norm = network, layers, norm

    def forward(self, img: Tensor) -> List[Tensor]:
        return self.network.forward_intermediates(
            img, indices=self.layers, norm=self.norm, intermediates_only=True)
