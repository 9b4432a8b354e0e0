"""Validation of a whole config. A misspelled key is an error and does not become a default."""
import inspect
import itertools
import logging
from typing import Any, Dict, Iterator, Mapping, Tuple

from mmcv import Config, ConfigDict
from mmcv.runner import HOOKS, RUNNERS, Fp16OptimizerHook
from mmseg.datasets.builder import DATASETS
from mmseg.models.builder import SEGMENTORS

from ...datasets.build import check_parts
from ...datasets.pipelines.encoder_maps import FOLDER
from ...datasets.several_sets import check_sets
from ...domains.target_pipeline import checked_margins
from ...errors import ConfigError, nearest, nearest_name
from ...models.mask_former import SARFormer
from ...regions.source import REGION_SOURCES
from ...uda.views.pseudo_label import check_rows
from .components import argument_faults, kind_faults, plain_faults, registered, shown, value_faults
from .faults import Fault, Faults
from .hooks import hook_faults
from .keys import TOP_LEVEL
from .optimizer import optimizer_faults
from .signatures import parameters
from .sizes import image_size_faults
from .stages import stage_faults
from .trackers import tracker_faults
from .types import fits
from .values import dataset_configs, head_classes, head_losses, segmentor_config, steps_of

#: Names at the top of other projects' configs.
ALSO_KNOWN = set('''
    exp fp16 names models norm_cfg act_cfg model_cfg data_cfg gpu_ids checkpoint_file'''.split())
#: Metrics of mmseg's data sets. 'cityscapes' is the benchmark's own script.
METRICS = ('mIoU', 'mDice', 'mFscore', 'cityscapes')


def validate(cfg: Config) -> None:
    """Check names, keys and class counts of ``cfg``.

    Raises:
        ConfigError: the config has faults. Each gets a line with the file, the path of the key and
            the nearest valid key.
    """
    faults = Faults()
    faults.add(_section_faults(cfg))
    for key, value in cfg.items():
        faults.add(plain_faults(value, key))
    sections = faults.without(dict(cfg.items()))
    faults.add(kind_faults(sections, TOP_LEVEL, ''))
    faults.add(_head_faults(faults.without(sections)))  # before the keys that it explains
    for key in TOP_LEVEL:
        faults.add(value_faults(sections.get(key), key))
    sections = ConfigDict({'model': {}, 'data': {}, **faults.without(sections)})
    for check in (_run_faults, _schedule_faults, _metric_faults, _normalization_faults,
                  _class_faults, _class_weight_faults, _training_faults, _pair_faults,
                  _map_faults, _pseudo_label_faults, _report_faults, tracker_faults,
                  optimizer_faults, hook_faults, stage_faults, image_size_faults):
        faults.add(check(sections))
    for path, dataset in dataset_configs(sections):
        check = getattr(DATASETS.get(dataset['type']), 'check_config', None)
        if check is not None:
            faults.add_of(check, dataset, path, prefix=f'{path}: ')
        if 'crop_pseudo_margins' in dataset:
            faults.add_of(lambda keys: checked_margins(keys['crop_pseudo_margins']), dataset, path,
                          prefix=f'{path}.')
    for split in ('val', 'test'):
        if sections.data.get(split) not in (None, {}):
            faults.add_of(check_sets, sections.data[split], f'data.{split}',
                          prefix=f'data.{split}: ')
    method = sections.get('uda') or {}
    check = getattr(registered(method.get('type'), [SEGMENTORS]), 'check_keys', None)
    if check is not None:
        faults.add_of(check, {key: value for key, value in method.items() if key != 'type'}, 'uda')
    faults.raise_error(cfg.filename)


def _section_faults(cfg: Config) -> Iterator[Fault]:
    for key in cfg.keys():
        if key in TOP_LEVEL or key in ALSO_KNOWN:
            continue
        swapped = (name for name in sorted(TOP_LEVEL) if sorted(name) == sorted(key))  # 'sede'
        meant = nearest_name(key, TOP_LEVEL, 0.8) or next(swapped, '')
        if meant:
            yield Fault(key, f"unknown key {key}, did you mean '{meant}'?", [meant])
    for key in ('model', 'data'):
        if not isinstance(cfg.get(key), dict):
            yield Fault(key, f'no {key} = dict(...) in it')


def _run_faults(cfg: ConfigDict) -> Iterator[Fault]:
    runner = (cfg.get('runner') or {}).get('type')
    if runner and runner not in RUNNERS:
        yield Fault('runner.type', f'unknown runner.type {shown(runner)}'
                                   f'{nearest(runner, RUNNERS.module_dict)}')
    level = cfg.get('log_level') or 'INFO'
    if not isinstance(level, (str, int)) or (
            isinstance(level, str) and not isinstance(logging.getLevelName(level), int)):
        yield Fault('log_level', "log_level must be one of 'DEBUG', 'INFO', 'WARNING', 'ERROR', "
                                 f'got {shown(level)}')


def _schedule_faults(cfg: ConfigDict) -> Iterator[Fault]:
    options = cfg.get('lr_config')
    if not options:
        return
    policy = options.get('policy')
    suffix = 'LrUpdaterHook'
    policies = {name[:-len(suffix)].lower(): name for name in HOOKS.module_dict
                if name.endswith(suffix)}
    if not isinstance(policy, str):
        yield Fault('lr_config.policy', "lr_config.policy must be a name such as 'poly', got "
                                        f'{shown(policy)}')
    elif policy.lower() not in policies:
        yield Fault('lr_config.policy', f"unknown lr_config.policy '{policy}'"
                                        f'{nearest(policy, policies)}')
    else:
        yield from argument_faults(options, HOOKS.get(policies[policy.lower()]), 'lr_config',
                                   {'policy'})
    if options.get('by_epoch'):
        yield Fault('lr_config.by_epoch', 'lr_config.by_epoch must be False: trainings are counted '
                                          'in iterations, the rate would never change')


def _metric_faults(cfg: ConfigDict) -> Iterator[Fault]:
    """Find unknown metrics now and not at the first evaluation."""
    metric = (cfg.get('evaluation') or {}).get('metric') or []
    for name in metric if isinstance(metric, (list, tuple)) else [metric]:
        if name not in METRICS:
            yield Fault('evaluation.metric', f'evaluation.metric must be of {", ".join(METRICS)}, '
                                             f'got {shown(name)}')


def _normalization_faults(cfg: ConfigDict) -> Iterator[Fault]:
    """Yield a fault if data sets normalize in different ways.

    One model sees all images, and the training step uses the source's values for target images too.
    """
    known: Dict[str, Dict[Tuple[float, ...], str]] = {'mean': {}, 'std': {}}
    for path, dataset in dataset_configs(cfg):
        steps = steps_of(dataset.get('pipeline') or [], f'{path}.pipeline')
        for (place, step), key in itertools.product(steps, known):
            if step.get('type') != 'Normalize' or key not in step:
                continue
            if fits(step[key], Tuple[float, float, float]):
                known[key].setdefault(tuple(map(float, step[key])), path)
            else:
                yield Fault(f'{place}.{key}', f'{place}.{key} must be three numbers, red, green '
                                              f'and blue, got {shown(step[key])}')
    for key, paths in known.items():
        (first, source), *others = paths.items() or [((), '')]
        for values, path in others:
            yield Fault('', f'{path} normalizes images by {key} {list(values)}, but {source} by '
                            f'{list(first)}: give both the same')
        undone = _undone_by_regions(cfg, key)
        if first and undone and undone != first:
            yield Fault(f'model.regions.{key}', f'model.regions.{key} must be {list(first)}, by '
                        f'which {source} normalizes images, got {list(undone)}')


def _undone_by_regions(cfg: ConfigDict, key: str) -> Tuple[float, ...]:
    """Return the mean or std of the images that a region source expects, () if it has none."""
    regions = segmentor_config(cfg).get('regions')
    source = REGION_SOURCES.get(regions.get('type')) if isinstance(regions, dict) else None
    parameter = source and parameters(source)[0].get(key)
    if not parameter:
        return ()
    values = regions.get(key, parameter.default)
    return tuple(map(float, values)) if fits(values, Tuple[float, float, float]) else ()


def _class_faults(cfg: ConfigDict) -> Iterator[Fault]:
    """Yield a fault for each class count that differs from the heads'."""
    known: Dict[int, Tuple[str, str]] = {}
    for path, dataset in dataset_configs(cfg):
        kind = dataset['type']
        classes = dataset.get('classes') or getattr(DATASETS.get(kind), 'CLASSES', None)
        if isinstance(classes, (list, tuple)):
            known.setdefault(len(classes), (path, kind))
    single = [f'{path}.num_classes' for path, count in head_classes(cfg) if count == 1]
    single += [f'{path}.classes' for count, (path, _) in known.items() if count == 1]
    if single:
        yield Fault(single[0], f'{" and ".join(single)}: a network of one class predicts it '
                    'everywhere. Make the rest of the images a class too: '
                    "classes=['background', 'object'], in the order of the ids in the labels, and "
                    'num_classes=2', single[1:])
        return
    for number, (path, kind) in known.items():
        others = [f'{head}.num_classes is {count}' for head, count in head_classes(cfg)
                  if count != number]
        if others:
            yield Fault(f'{path}.classes', f'{" and ".join(others)}, but {path} ({kind}) has '
                                           f'{number} classes: give both the same')


def _class_weight_faults(cfg: ConfigDict) -> Iterator[Fault]:
    """Yield a fault for each loss that does not weigh as many classes as its head has."""
    for head, count, losses in head_losses(cfg):
        for path, loss in losses:
            weights = loss.get('class_weight')
            if isinstance(weights, (list, tuple)) and len(weights) != count:
                yield Fault(f'{path}.class_weight', f'{path}.class_weight has {len(weights)} '
                            f'numbers, but {head}.num_classes is {count}: give one for each class')


def _head_faults(sections: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for the head of SARFormer in another segmentor."""
    model = sections.get('model') or {}
    head, name = model.get('decode_head'), model.get('type')
    kind = registered(name, [SEGMENTORS])
    if isinstance(head, dict) and head.get('type') == 'SARFormerHead' and \
            isinstance(kind, type) and not issubclass(kind, SARFormer):
        yield Fault('model.type', "model.type must be 'SARFormer' for SARFormerHead, which needs "
                                  f"the regions of the images, got '{name}'",
                    ['model.regions'])


def _training_faults(cfg: ConfigDict) -> Iterator[Fault]:
    hook = registered((cfg.get('optimizer_config') or {}).get('type'), [HOOKS])
    of_fp16 = isinstance(hook, type) and issubclass(hook, Fp16OptimizerHook)
    for key, is_there in (('fp16', cfg.get('fp16')), ('optimizer_config.type', of_fp16)):
        if is_there:
            yield Fault(key, f"{key} asks for mmcv's mixed precision, which is not used here: "
                             "remove it and give uda.amp=dict(dtype='float16') (or 'bfloat16', "
                             "which needs no loss scale); uda=dict(type='DACS', source_only=True, "
                             'amp=...) trains on the source alone')
    train = cfg.data.get('train')
    takes_targets = getattr(registered(cfg.model.get('type'), [SEGMENTORS]), 'forward_train', None)
    if isinstance(train, dict) and train.get('type') == 'UDADataset' and not cfg.get('uda') and \
            takes_targets and not {'target_img', 'kwargs'} & {
                *inspect.signature(takes_targets).parameters}:
        yield Fault('data.train.type', 'data.train is a UDADataset, whose target images nothing '
                    'learns from without uda: give uda=dict(type=...), or set data.train to its '
                    'source')
    if cfg.get('uda') and cfg.get('optimizer_config'):
        yield Fault('optimizer_config', 'optimizer_config must be None with uda, whose step calls '
                    f'the optimizer itself, got {dict(cfg.optimizer_config)}: uda.grad_clip and '
                    'uda.cumulative_iters clip and accumulate gradients')


def _pair_faults(cfg: ConfigDict) -> Iterator[Fault]:
    """Yield a fault for a source or target that is no data set and no list of some."""
    train = cfg.data.get('train')
    if not isinstance(train, dict) or train.get('type') != 'UDADataset':
        return
    for side in ('source', 'target'):
        place = f'data.train.{side}'
        try:
            check_parts(train.get(side, {}), place)
        except ConfigError as error:
            yield Fault(place, str(error))


def _map_faults(cfg: ConfigDict) -> Iterator[Fault]:
    """Yield a fault for a folder of maps that is no path."""
    for path, dataset in dataset_configs(cfg):
        folder = dataset.get(FOLDER)
        if folder is not None and not (isinstance(folder, str) and folder):
            yield Fault(f'{path}.{FOLDER}', f'{path}.{FOLDER} must be the path of a folder, or '
                                            f'None for no maps, got {shown(folder)}')


def _pseudo_label_faults(cfg: ConfigDict) -> Iterator[Fault]:
    """Yield a fault if no row of a target crop is left, as far as its height is in the config."""
    method, train = cfg.get('uda') or {}, cfg.data.get('train')
    target = train.get('target') if isinstance(train, dict) else None
    if not isinstance(target, dict) or method.get('source_only'):
        return
    sizes = [step.get({'RandomCrop': 'crop_size', 'Pad': 'size'}.get(step.get('type')))
             for _, step in steps_of(target.get('pipeline') or [])]
    heights = [size[0] for size in sizes if fits(size, Tuple[int, int])]
    if fits(train.get('sync_crop_size'), Tuple[int, int]):
        heights = [train['sync_crop_size'][0]]
    if heights:
        try:
            check_rows(*(method.get(f'pseudo_weight_ignore_{side}') or 0
                         for side in ('top', 'bottom')), max(heights))
        except ConfigError as error:
            yield Fault('uda.pseudo_weight_ignore_bottom', str(error))


def _report_faults(cfg: Mapping[str, Any]) -> Iterator[Fault]:
    report = cfg.get('report', True)
    options = report if isinstance(report, dict) else {}
    images = options.get('images', 0)
    if not isinstance(report, (bool, dict)) or set(options) - {'images'} or \
            not isinstance(images, int) or images < 0:
        yield Fault('report', 'report must be True, False or dict(images=N), the number of test '
                              f'images that it shows the best and worst of, got {shown(report)}')
