"""Checks of the dicts in a config that are built into objects: their type, keys and values.

Each value is checked against the constructor that will get it. So a fault is reported with its key
and not as a traceback.
"""
import contextlib
import math
from functools import partial
from typing import Any, Collection, Iterable, Iterator, Mapping, Optional, Sequence

from mmcv.cnn.bricks.registry import ACTIVATION_LAYERS, CONV_LAYERS, NORM_LAYERS
from mmcv.runner import HOOKS, RUNNERS
from mmcv.runner.optimizer import OPTIMIZERS
from mmcv.utils import Registry
from mmseg.datasets.builder import DATASETS, PIPELINES
from mmseg.models import builder

from ...datasets.pipelines.encoder_maps import FOLDER
from ...datasets.several_sets import LISTED
from ...errors import ConfigError, nearest, nearest_name
from ...labels.rare_class_sampling import RareClassSampling
from ...models.mask_former.mask_losses import MaskLosses
from ...models.mask_former.mask_transformer import MaskTransformer
from ...models.mask_former.pixel_decoder import DeformablePixelDecoder
from ...regions.detectors import BOX_SOURCES
from ...regions.source import REGION_SOURCES
from ...regularizer import build_regularizer
from ...regularizer.encoders import ENCODERS
from ...regularizer.registry import FrozenRegistry
from ...uda.views.masked_consistency import BlockMask
from ...uda.views.photometric import PhotometricAugmentation
from .faults import Fault, Faults
from .inference import check_test_cfg
from .keys import Keys, keys_at
from .signatures import needed_arguments, parameters
from .sizes import size_faults
from .types import described, fits, misfit

#: Keys whose dict holds the arguments of one function or class.
ARGUMENTS_OF = {'rare_class_sampling': RareClassSampling, 'regularizer': build_regularizer,
                'mask_generator': BlockMask, 'source_augmentation': PhotometricAugmentation,
                'target_augmentation': PhotometricAugmentation,
                'mix_augmentation': PhotometricAugmentation}
#: Keys of a decode head whose dict holds arguments of a part. The head gives the others.
PARTS_OF_HEADS = {'pixel_decoder': DeformablePixelDecoder, 'transformer_decoder': MaskTransformer,
                  'losses': MaskLosses}
GIVEN_TO_PARTS = {'in_channels', 'width', 'num_classes'}
#: Keys whose dict describes a frozen network -> the classes of its kind.
FROZEN = {'encoder': ENCODERS, 'imnet_feature_dist_encoder': ENCODERS,
          'foundation_distance_encoder': ENCODERS, 'pseudo_label_encoder': ENCODERS,
          'regions': REGION_SOURCES, 'boxes': BOX_SOURCES}
#: Keys whose dict must name something registered.
COMPONENTS = ('model', 'uda', 'backbone', 'neck', 'decode_head', 'auxiliary_head', 'loss_decode',
              'loss_terms', 'views')
LAYERS = {'norm_cfg': NORM_LAYERS, 'act_cfg': ACTIVATION_LAYERS, 'conv_cfg': CONV_LAYERS}
#: Keys that a builder takes out before the constructor gets the rest.
SUPPLIED = {'type', 'priority'}
BUILDER_KEYS = {'optimizer': {'paramwise_cfg', 'constructor'}, 'norm_cfg': {'requires_grad'},
                'data.train.target': {'crop_pseudo_margins', FOLDER},
                'data.train.source': {FOLDER}, 'data.val': {'separate_eval'},
                'data.test': {'separate_eval'}, 'datasets': {'separate_eval'},
                'mask_generator': {'type'}}
#: Arguments that a builder adds.
GIVEN = {'params', 'model', 'dataloader', 'segmentor'}


def value_faults(value: Any, path: str) -> Iterator[Fault]:
    """Yield the faults of a part of a config and of everything inside it."""
    names = [key for key in path.split('.') if not key.isdigit()]
    if is_pipeline(names):
        yield from _pipeline_faults(value, path)
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from value_faults(item, f'{path}.{i}')
    elif isinstance(value, dict):
        yield from _dict_faults(value, path, names)
        yield from size_faults(value, path, names)
        for key, item in value.items():
            yield from value_faults(item, f'{path}.{key}')


def plain_faults(value: Any, path: str) -> Iterator[Fault]:
    """Yield values that cannot be written into a config file and read back.

    These are NaN, infinity, integers of more than 64 bits, and objects.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str):
                yield from plain_faults(item, f'{path}.{key}')
            else:
                yield Fault(path, f'{path}: a key must be a text, got {shown(key)}')
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from plain_faults(item, f'{path}.{i}')
    elif isinstance(value, float) and not math.isfinite(value):
        yield Fault(path, f'{path} must be a finite number, got {value}')
    elif isinstance(value, int) and not -2**63 <= value < 2**64:
        yield Fault(path, f'{path} is an integer of more than 64 bits')
    elif not isinstance(value, (str, int, float, bytes, type(None))):
        yield Fault(path, f'{path} must be a number, a text, a list or a dict, which can be '
                          f'written down again, got {shown(value)}')


def argument_faults(value: Mapping[str, Any], target: Any, path: str,
                    builder_keys: Iterable[str] = (), complete: bool = True,
                    given: Collection[str] = ()) -> Iterator[Fault]:
    """Yield unknown keys, values of a wrong type, and missing keys of the arguments of ``target``.

    Args:
        value: dict that holds the arguments.
        target: function or class that gets them.
        path: path of the dict in the config.
        builder_keys: keys that a builder takes out before ``target`` gets the rest.
        complete: whether ``target`` gets no other arguments, so that keys can be missing.
        given: arguments that a config may not give.
    """
    accepted, closed = parameters(target)
    accepted = {key: one for key, one in accepted.items() if key not in given}
    valid = {*accepted, *builder_keys, *(() if closed else value)}
    yield from unknown_keys(value, valid, path)
    for key in value:
        items = [value[key]]
        if path.startswith('data.') and key in LISTED and isinstance(value[key], (list, tuple)):
            items = value[key]  # mmseg makes a data set of each
        found = (misfit(item, accepted[key]) for item in items if key in accepted)
        expected = next(filter(None, found), None)
        if expected:
            yield Fault(f'{path}.{key}',
                        f'{path}.{key} must be {expected}, got {shown(value[key])}')
    # a strange key may be the missing one misspelled, or belong to another type
    if complete and all(nearest_name(key, valid) for key in value):
        for key in sorted(needed_arguments(target) - {*value, *GIVEN}):
            yield Fault(f'{path}.{key}', f'{path} ({target.__name__}) needs the key {key}')


def unknown_keys(value: Mapping[str, Any], valid: Collection[str], path: str) -> Iterator[Fault]:
    """Yield keys that are not ``valid``.

    If all are misspelled, each gets a line. If one is strange, all share a line.
    """
    meant = {key: nearest_name(key, valid) for key in value if key not in valid}
    if all(meant.values()):
        for key, name in meant.items():
            yield Fault(f'{path}.{key}', f"unknown key {path}.{key}, did you mean '{name}'?",
                        [f'{path}.{name}'])
    else:
        first, *others = (f'{path}.{key}' for key in meant)
        yield Fault(first, f'unknown key{"s" * bool(others)} {", ".join([first, *others])}, valid '
                           f'keys are {", ".join(sorted(valid))}',
                    [*others, *(f'{path}.{name}' for name in meant.values() if name)])


def kind_faults(value: Mapping[str, Any], keys: Keys, path: str) -> Iterator[Fault]:
    """Yield values of a wrong kind or out of bounds. None is valid for every key in ``keys``."""
    for name, key in keys.items():
        item, place = value.get(name), f'{path}.{name}' if path else name
        if item is None or key.kind is None:
            continue
        if not fits(item, key.kind):
            yield Fault(place, f'{place} must be {described(key.kind)}, got {shown(item)}')
        elif (key.least is not None and item < key.least) or (
                key.most is not None and item > key.most):
            most = '' if key.most is None else f' and at most {key.most}'
            yield Fault(place, f'{place} must be at least {key.least}{most}, got {item}')


def is_pipeline(names: Sequence[str]) -> bool:
    """Whether this path holds the steps of a data pipeline."""
    return names[0] == 'data' and (names[-1].endswith('pipeline') or names[-1] == 'transforms')


def registered(name: Any, registries: Sequence[Registry]) -> Optional[Any]:
    """Return the entry of the first registry that knows ``name``, or None."""
    for registry in registries:
        with contextlib.suppress(AttributeError):  # raised for 'nowhere.Name', an unknown scope
            if found := registry.get(name):
                return found
    return None


def shown(value: Any) -> str:
    """Return a value as a message shows it, in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def _pipeline_faults(value: Any, path: str) -> Iterator[Fault]:
    if isinstance(value, dict):  # one of its steps
        return
    if not isinstance(value, (list, tuple)):
        yield Fault(path, f'{path} must be a list of steps, dict(type=...) each, got '
                          f'{shown(value)}')
        return
    for i, step in enumerate(value):
        if not isinstance(step, dict):
            yield Fault(path, f'{path}.{i} must be a step, dict(type=...), got {shown(step)}')


def _dict_faults(value: dict, path: str, names: Sequence[str]) -> Iterator[Fault]:
    """Yield the faults in the keys of a dict."""
    keys = keys_at(path)
    if keys is not None:  # first: a pattern of custom_keys may be called as a part is
        faults = Faults()
        faults.add(unknown_keys(value, keys, path))
        faults.add(kind_faults(value, keys, path))
        if names[-1] == 'test_cfg':
            faults.add_of(partial(check_test_cfg, path=path), value, path)
        yield from faults.found
    elif names[-1] in ARGUMENTS_OF:
        yield from argument_faults(value, ARGUMENTS_OF[names[-1]], path,
                                   BUILDER_KEYS.get(names[-1], ()))
    elif names[-2:-1] == ['decode_head'] and names[-1] in PARTS_OF_HEADS:
        yield from argument_faults(value, PARTS_OF_HEADS[names[-1]], path, complete=False,
                                   given=GIVEN_TO_PARTS)
    elif names[-1] in FROZEN and names[0] in ('model', 'uda'):
        yield from _frozen_faults(value, path, FROZEN[names[-1]])
    else:
        yield from _component_faults(value, path, names)


def _frozen_faults(value: dict, path: str, known: FrozenRegistry) -> Iterator[Fault]:
    try:
        kind = known.find(value)
    except ConfigError as error:
        yield from (Fault(f'{path}.type', line) for line in error.problems)
    else:
        yield from argument_faults(value, kind, path, {'type'})


def _component_faults(value: dict, path: str, names: Sequence[str]) -> Iterator[Fault]:
    """Yield the faults of a dict that names a registered ``type``."""
    registries, place = _registries(names), '.'.join(names)
    kind = value.get('type')
    if 'type' not in value:
        if registries and _needs_type(path, names):
            hint = nearest('type', value) or f' in {shown(dict(value))}'
            yield Fault(f'{path}.type', f"{path} needs the key 'type', the name of what is to be "
                                        f'built{hint}')
    elif not isinstance(kind, str):
        yield Fault(f'{path}.type', f'{path}.type must be a name, got {shown(kind)}')
    elif target := registered(kind, registries):
        keys = SUPPLIED | BUILDER_KEYS.get(place, BUILDER_KEYS.get(names[-1], set()))
        yield from argument_faults(value, target, path, keys, complete=names[-1] not in LAYERS)
    # Inside a model a type may be a word that only its head knows: fusion_cfg=dict(type='aspp').
    elif registries and (names[-1] in COMPONENTS or names[-1] in LAYERS
                         or names[0] not in ('model', 'uda')):
        known = {known for registry in registries for known in registry.module_dict}
        yield Fault(f'{path}.type', f'unknown {path}.type {shown(kind)}{nearest(kind, known)}')


def _needs_type(path: str, names: Sequence[str]) -> bool:
    if names[0] in ('model', 'uda'):
        return names[-1] in COMPONENTS or names[-1] in LAYERS
    if names[0] == 'data':
        places = ('train', 'val', 'test', 'source', 'target', 'dataset', 'datasets')
        return names[-1] in places or is_pipeline(names)
    return path == 'optimizer' or names[-1] in ('hooks', 'custom_hooks')


def _registries(names: Sequence[str]) -> Sequence[Registry]:
    """Return the registries that may hold the ``type`` of a dict at this path."""
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
