"""The constructor of a config's optimizer, which gives each parameter its learning rate."""
from typing import Any, Iterator, Mapping, Optional

from mmcv.runner.optimizer import OPTIMIZER_BUILDERS
from mmseg import core

from ...errors import nearest
from .components import registered, shown
from .faults import Fault

DEFAULT = 'DefaultOptimizerConstructor'
#: mmseg's constructor of learning rates by layer. Old versions have none.
BY_LAYER = getattr(core, 'LearningRateDecayOptimizerConstructor', None)
REGISTRIES = [getattr(core, 'OPTIMIZER_BUILDERS', OPTIMIZER_BUILDERS), OPTIMIZER_BUILDERS]
#: Keys of ``paramwise_cfg`` that only learning rates by layer have.
LAYER_KEYS = {'num_layers', 'decay_rate', 'layer_decay_rate', 'decay_type'}
DECAY_TYPES = ('layer_wise', 'layer_wise_vit', 'stage_wise')


def constructor_of(options: Mapping[str, Any]) -> Optional[type]:
    """Return the constructor that the config of an optimizer names, or None if it is unknown."""
    return registered(options.get('constructor') or DEFAULT, REGISTRIES)


def is_by_layer(constructor: Optional[type]) -> bool:
    """Whether a constructor gives learning rates as mmseg's does."""
    return BY_LAYER is not None and getattr(
        constructor, 'add_params', None) is BY_LAYER.add_params


def optimizer_faults(cfg: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield an unknown constructor, and keys of ``paramwise_cfg`` that it lacks or never reads."""
    options = cfg.get('optimizer') or {}
    paramwise = options.get('paramwise_cfg') or {}
    kind = constructor_of(options)
    if kind is None:
        known = {name for registry in REGISTRIES for name in registry.module_dict}
        name = options['constructor']
        yield Fault('optimizer.constructor', f'unknown optimizer.constructor {shown(name)}'
                                             f'{nearest(name, known)}')
    elif is_by_layer(kind):
        yield from _layer_faults(kind.__name__, paramwise)
    elif kind.__name__ == DEFAULT and LAYER_KEYS & set(paramwise):
        key = sorted(LAYER_KEYS & set(paramwise))[0]
        yield Fault(f'optimizer.paramwise_cfg.{key}',
                    f'optimizer.paramwise_cfg.{key} has no effect: learning rates by layer need '
                    "optimizer.constructor='LearningRateDecayOptimizerConstructor'")


def _layer_faults(name: str, paramwise: Mapping[str, Any]) -> Iterator[Fault]:
    place = 'optimizer.paramwise_cfg'
    rate = 'layer_decay_rate' if name == 'LayerDecayOptimizerConstructor' else 'decay_rate'
    for key in ('num_layers', rate):
        value = paramwise.get(key)
        if value is None:
            yield Fault(f'{place}.{key}', f'{place} needs the key {key} with {name}')
        elif value <= 0:
            yield Fault(f'{place}.{key}', f'{place}.{key} must be above 0, got {shown(value)}')
    kind = paramwise.get('decay_type', DECAY_TYPES[0])
    if kind not in DECAY_TYPES:
        yield Fault(f'{place}.decay_type', f'{place}.decay_type must be one of '
                                           f'{", ".join(DECAY_TYPES)}, got {shown(kind)}')
    for key in sorted(set(paramwise) - {'num_layers', 'decay_type', rate}):
        yield Fault(f'{place}.{key}', f'{place}.{key} has no effect with {name}: remove one of '
                                      'them')
