"""The dicts of a config that are built into something: their type, keys and values.

A value is checked against the constructor that will get it, so a fault has a key, not a traceback.
"""
import math
from typing import Any, Iterable, Mapping, Optional, Sequence

from mmcv.cnn.bricks.registry import ACTIVATION_LAYERS, CONV_LAYERS, NORM_LAYERS
from mmcv.runner import HOOKS, RUNNERS
from mmcv.runner.optimizer import OPTIMIZERS
from mmcv.utils import Registry
from mmseg.datasets.builder import DATASETS, PIPELINES
from mmseg.models import builder

from ...errors import ConfigError, nearest
from ...labels.rare_class_sampling import RareClassSampling
from ...regularizer import build_regularizer
from ...regularizer.encoders import DEFAULT, encoder_class
from ...uda.views.masked_consistency import BlockMask
from ..testing.inference import check_test_cfg
from .keys import Keys, keys_at
from .signatures import needed_arguments, parameters
from .types import described, fits, misfit

#: Keys whose dict has the arguments of one function or class.
ARGUMENTS_OF = {'rare_class_sampling': RareClassSampling, 'regularizer': build_regularizer,
                'mask_generator': BlockMask}
#: Keys whose dict is a frozen encoder.
ENCODERS = ('encoder', 'imnet_feature_dist_encoder')
#: Keys whose dict must name something registered.
COMPONENTS = ('model', 'uda', 'backbone', 'neck', 'decode_head', 'auxiliary_head', 'loss_decode',
              'loss_terms', 'views')
LAYERS = {'norm_cfg': NORM_LAYERS, 'act_cfg': ACTIVATION_LAYERS, 'conv_cfg': CONV_LAYERS}
#: Keys that a builder takes before the constructor sees the rest.
SUPPLIED = {'type', 'priority'}
BUILDER_KEYS = {'optimizer': {'paramwise_cfg', 'constructor'}, 'norm_cfg': {'requires_grad'},
                'data.train.target': {'crop_pseudo_margins'}, 'mask_generator': {'type'}}
#: Arguments that a builder adds.
GIVEN = {'params', 'model', 'dataloader', 'segmentor'}


def check_value(value: Any, path: str) -> None:
    """Check a part of a config, with all that is in it.

    Raises:
        ConfigError: names the path of the key and the nearest valid one.
    """
    names = [key for key in path.split('.') if not key.isdigit()]
    if is_pipeline(names):
        _check_pipeline(value, path)
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            check_value(item, f'{path}.{i}')
    elif isinstance(value, dict):
        _check_dict(value, path, names)
        for key, item in value.items():
            check_value(item, f'{path}.{key}')


def check_plain(value: Any, path: str) -> None:
    """Every value can be written into a config file, and read from it again.

    Raises:
        ConfigError: NaN, an integer of more than 64 bits, an object.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ConfigError(f'{path}: a key must be a text, got {shown(key)}')
            check_plain(item, f'{path}.{key}')
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            check_plain(item, f'{path}.{i}')
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f'{path} must be a finite number, got {value}')
    elif isinstance(value, int) and not -2**63 <= value < 2**64:
        raise ConfigError(f'{path} is an integer of more than 64 bits')
    elif not isinstance(value, (str, int, float, bytes, type(None))):
        raise ConfigError(f'{path} must be a number, a text, a list or a dict, which can be '
                          f'written down again, got {shown(value)}')


def check_arguments(value: Mapping[str, Any], target: Any, path: str,
                    builder_keys: Iterable[str] = (), complete: bool = True) -> None:
    """The keys of ``value`` are arguments of ``target``, all it needs, each of the right kind.

    Args:
        builder_keys: that a builder takes before ``target`` gets the rest.
        complete: whether ``target`` gets nothing else.

    Raises:
        ConfigError: names the path of the key.
    """
    accepted, closed = parameters(target)
    if closed:
        no_other_keys(value, {*accepted, *builder_keys}, path)
    for key in value:
        expected = misfit(value[key], accepted[key]) if key in accepted else None
        if expected:
            raise ConfigError(f'{path}.{key} must be {expected}, got {shown(value[key])}')
    missing = sorted(needed_arguments(target) - {*value, *GIVEN}) if complete else []
    if missing:
        raise ConfigError(f'{path} ({target.__name__}) needs the key {missing[0]}')


def no_other_keys(value: Mapping[str, Any], valid: Iterable[str], path: str) -> None:
    """Raise a ``ConfigError`` for a key that is not ``valid``."""
    for key in value:
        if key not in valid:
            hint = nearest(key, valid) or ', valid keys are ' + ', '.join(sorted(valid))
            raise ConfigError(f'unknown key {path}.{key}{hint}')


def check_kinds(value: Mapping[str, Any], keys: Keys, path: str) -> None:
    """The values that ``keys`` know are of their kind, or None, and in their bounds."""
    for name, key in keys.items():
        item, place = value.get(name), f'{path}.{name}' if path else name
        if item is None or key.kind is None:
            continue
        if not fits(item, key.kind):
            raise ConfigError(f'{place} must be {described(key.kind)}, got {shown(item)}')
        too_small = key.least is not None and item < key.least
        if too_small or (key.most is not None and item > key.most):
            most = '' if key.most is None else f' and at most {key.most}'
            raise ConfigError(f'{place} must be at least {key.least}{most}, got {item}')


def is_pipeline(names: Sequence[str]) -> bool:
    """Whether the steps of a data pipeline are under this path."""
    return names[0] == 'data' and (names[-1].endswith('pipeline') or names[-1] == 'transforms')


def shown(value: Any) -> str:
    """A value as a message shows it, not longer than a line."""
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def _check_pipeline(value: Any, path: str) -> None:
    if isinstance(value, dict):  # one of its steps
        return
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f'{path} must be a list of steps, dict(type=...) each, got '
                          f'{shown(value)}')
    for i, step in enumerate(value):
        if not isinstance(step, dict):
            raise ConfigError(f'{path}.{i} must be a step, dict(type=...), got {shown(step)}')


def _check_dict(value: dict, path: str, names: Sequence[str]) -> None:
    if names[-1] in ARGUMENTS_OF:
        check_arguments(value, ARGUMENTS_OF[names[-1]], path, BUILDER_KEYS.get(names[-1], ()))
        return
    if names[-1] in ENCODERS and names[0] in ('model', 'uda'):
        check_arguments(value, encoder_class(value.get('type', DEFAULT)), path, {'type'})
        return
    keys = keys_at(path)
    if keys is not None:
        no_other_keys(value, keys, path)
        check_kinds(value, keys, path)
        if names[-1] == 'test_cfg':
            check_test_cfg(value, path)
        return
    registries = _registries(names)
    if 'type' not in value:
        if registries and _needs_type(path, names):
            hint = nearest('type', value) or f' in {shown(dict(value))}'
            raise ConfigError(f"{path} needs the key 'type', the name of what is to be built"
                              f'{hint}')
        return
    if not isinstance(value['type'], str):
        raise ConfigError(f'{path}.type must be a name, got {shown(value["type"])}')
    target = _registered(value['type'], registries, names[-1], path)
    if target is not None:
        place = '.'.join(names)
        keys = SUPPLIED | BUILDER_KEYS.get(place, BUILDER_KEYS.get(names[-1], set()))
        check_arguments(value, target, path, keys, complete=names[-1] not in LAYERS)


def _needs_type(path: str, names: Sequence[str]) -> bool:
    if names[0] in ('model', 'uda'):
        return names[-1] in COMPONENTS or names[-1] in LAYERS
    if names[0] == 'data':
        places = ('train', 'val', 'test', 'source', 'target', 'dataset', 'datasets')
        return names[-1] in places or is_pipeline(names)
    return path == 'optimizer' or names[-1] in ('hooks', 'custom_hooks')


def _registries(names: Sequence[str]) -> Sequence[Registry]:
    """Where the ``type`` of a dict at this path is looked up."""
    if names[-1] in LAYERS:
        return [LAYERS[names[-1]]]
    if names[0] in ('model', 'uda'):
        models = (getattr(builder, name, None) for name in (
            'SEGMENTORS', 'BACKBONES', 'HEADS', 'NECKS', 'LOSSES', 'UDA'))
        return [registry for registry in models if registry is not None]
    if names[0] == 'data':
        return [PIPELINES] if is_pipeline(names) else [DATASETS]
    if names[0] == 'log_config':
        return [HOOKS] if names[-1] == 'hooks' else []
    return {'optimizer': [OPTIMIZERS], 'runner': [RUNNERS], 'custom_hooks': [HOOKS],
            'optimizer_config': [HOOKS]}.get(names[0], [])


def _registered(name: str, registries: Sequence[Registry], key: str, path: str) -> Optional[Any]:
    for registry in registries:
        try:
            found = registry.get(name)
        except AttributeError:  # mmcv's, over 'nowhere.Name', a scope that does not exist
            continue
        if found is not None:
            return found
    # Inside a model, types such as fusion_cfg=dict(type='aspp') are words of their own head.
    inside_model = path.split('.')[0] in ('model', 'uda')
    if registries and (key in COMPONENTS or key in LAYERS or not inside_model):
        known = {known for registry in registries for known in registry.module_dict}
        raise ConfigError(f'unknown {path}.type {shown(name)}{nearest(name, known)}')
    return None
