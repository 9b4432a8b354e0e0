"""Models as the constructors of mmseg's optimizers expect them, for learning rates by layer.

These constructors read the names of a segmentor's parameters and the class of its backbone. Here
the segmentor may be a method's student, and its backbone a network of timm.
"""
import copy
import re
from typing import Any, Iterator, Mapping, Tuple

import torch
from mmcv.parallel import is_module_wrapper
from torch import nn

from ...errors import ConfigError
from ...methods import UDASegmentor
from ...models.foundation_backbone import FoundationBackbone
from ..config.optimizer import DEFAULT, constructor_of, is_by_layer

#: Families of backbones whose layers mmseg knows, by a part of the class's name.
FAMILIES = ('ConvNeXt', 'BEiT', 'MAE')
#: Name of a parameter in timm's networks -> its name in the backbones that mmseg knows.
TIMM_NAMES = {
    'ConvNeXt': ((r'stem\.', 'downsample_layers.0.'),
                 (r'stages\.(\d+)\.downsample\.', r'downsample_layers.\1.'),
                 (r'stages\.(\d+)\.blocks\.(\d+)\.', r'stages.\1.\2.')),
    'BEiT': ((r'blocks\.', 'layers.'), (r'(reg_token|register_tokens)$', 'cls_token'))}
#: Class of timm -> its family.
TIMM_FAMILIES = {'ConvNeXt': 'ConvNeXt', 'VisionTransformer': 'BEiT', 'Eva': 'BEiT',
                 'Beit': 'BEiT'}


def model_for(options: Mapping[str, Any], model: nn.Module) -> Any:
    """Return the model as the constructor of an optimizer expects it.

    Args:
        options: the config of the optimizer.
        model: a segmentor or a method.

    Raises:
        ConfigError: the constructor does not know the layers of the backbone.
    """
    kind = constructor_of(options)
    if kind is None or kind.__name__ == DEFAULT:  # its keys name the parameters of the whole model
        return model
    model = as_segmentor(model.module if is_module_wrapper(model) else model)
    if not is_by_layer(kind):
        return model
    return KnownLayers(model, (options.get('paramwise_cfg') or {}).get('decay_type', 'layer_wise'))


def check_scales(optimizer: torch.optim.Optimizer) -> None:
    """Raise a :class:`ConfigError` if a layer of the backbone learns as fast as the head or faster.

    ``num_layers`` is too small then.
    """
    scales = [group.get('lr_scale', 1.) for group in optimizer.param_groups]
    for group, scale in zip(optimizer.param_groups, scales):
        names = [name for name in group.get('param_names', ())
                 if re.match(r'backbone\.(layers|stages)\.', name)]
        if names and scale >= 1 > min(scales):
            raise ConfigError('optimizer.paramwise_cfg: num_layers is smaller than the number of '
                              f'layers of the backbone, {names[0]} would get {scale:.3g} times '
                              'the learning rate of the head')


def as_segmentor(model: nn.Module) -> nn.Module:
    """Return a method as a segmentor: its student, which also holds the method's other parts.

    A segmentor is returned unchanged. No parameter is copied.
    """
    if not isinstance(model, UDASegmentor):
        return model
    seen = copy.copy(model.model)
    others = {name: child for name, child in model.named_children() if child is not model.model}
    seen._modules = {**model.model._modules,
                     **{f'{name}_of_the_method': child for name, child in others.items()}}
    return seen


class KnownLayers:
    """A segmentor whose parameters have the names that mmseg's layer-wise constructors know.

    Args:
        segmentor: segmentor with a ``backbone``.
        decay_type: ``paramwise_cfg.decay_type`` of the constructor.

    Raises:
        ConfigError: the layers of this backbone are not known.
    """

    def __init__(self, segmentor: nn.Module, decay_type: str):
        self.segmentor = segmentor
        backbone = getattr(segmentor, 'backbone', None)
        timm_model = backbone.timm_model if isinstance(backbone, FoundationBackbone) else None
        shown = type(timm_model or backbone).__name__
        family = (TIMM_FAMILIES.get(shown) if timm_model else
                  next((name for name in FAMILIES if name in shown), None))
        if family is None or decay_type == 'stage_wise' and family != 'ConvNeXt':
            known = ('ConvNeXt' if decay_type == 'stage_wise' else
                     'ConvNeXt, BEiT, MAE and the ViTs of FoundationBackbone')
            raise ConfigError(
                f'optimizer.constructor: decay_type {decay_type!r} knows the layers of {known} '
                f'alone, not those of model.backbone ({shown}): give learning rates by name, '
                'paramwise_cfg=dict(custom_keys=dict(...)), without a constructor')
        self.names = TIMM_NAMES[family] if timm_model else ()
        #: Its class has the family's name.
        self.backbone = type(family, (), {})()

    def named_parameters(self, *args: Any, **options: Any) -> Iterator[Tuple[str, nn.Parameter]]:
        for name, parameter in self.segmentor.named_parameters(*args, **options):
            yield self._renamed(name), parameter

    def _renamed(self, name: str) -> str:
        prefix = 'backbone.timm_model.'
        if not self.names or not name.startswith(prefix):
            return name
        inner = name[len(prefix):]
        for pattern, known in self.names:
            inner = re.sub(f'^{pattern}', known, inner)
        return f'backbone.{inner}'
