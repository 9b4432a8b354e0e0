"""Every key of a config is one that somebody reads: a misspelt one is an error, not a default."""
import difflib
from typing import Any, Iterable, Iterator, Optional, Sequence, Tuple

from mmcv import Config
from mmcv.runner import HOOKS, RUNNERS
from mmcv.runner.optimizer import OPTIMIZERS
from mmcv.utils import Registry
from mmseg.datasets.builder import DATASETS, PIPELINES
from mmseg.models import builder

from ..errors import ConfigError, nearest
from ..models.ssr_encoder_decoder import build_regularizer
from ..regularizer.encoders import DEFAULT, encoder_class
from .inference import check_test_cfg
from .signatures import keyword_arguments

#: What is read from the top of a config. Other names there are variables of its author.
TOP_LEVEL = set('''
    model uda data optimizer optimizer_config lr_config momentum_config runner total_iters
    checkpoint_config evaluation log_config log_level load_from resume_from workflow work_dir seed
    deterministic custom_hooks custom_imports dist_params train_cfg test_cfg crop_size name
    '''.split())
ALSO_KNOWN = set('''exp fp16 names models norm_cfg act_cfg model_cfg data_cfg gpu_ids'''.split())
LOADER = set('''samples_per_gpu workers_per_gpu shuffle seed drop_last pin_memory
    persistent_workers prefetch_factor dataloader_type'''.split())

#: Keys of dicts that have no ``type`` to ask, by their path.
PLAIN = {
    'data': LOADER | {'train', 'val', 'test', 'train_dataloader', 'val_dataloader',
                      'test_dataloader'},
    'data.train_dataloader': LOADER,
    'data.val_dataloader': LOADER,
    'data.test_dataloader': LOADER,
    'optimizer.paramwise_cfg': {
        'custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'dwconv_decay_mult',
        'dcn_offset_lr_mult', 'bypass_duplicate', 'num_layers', 'decay_rate', 'decay_type'},
    'checkpoint_config': {
        'interval', 'by_epoch', 'save_optimizer', 'out_dir', 'max_keep_ckpts', 'save_last',
        'sync_buffer', 'file_client_args', 'create_symlink', 'filename_tmpl', 'meta'},
    'evaluation': {
        'interval', 'start', 'by_epoch', 'save_best', 'rule', 'metric', 'pre_eval', 'out_dir',
        'efficient_test', 'greater_keys', 'less_keys', 'file_client_args', 'test_fn',
        'imgfile_prefix', 'classwise'},
    'log_config': {'interval', 'img_interval', 'hooks'},
}
PLAIN_ANYWHERE = {
    'rare_class_sampling': {'min_pixels', 'class_temp', 'min_crop_ratio'},
    'mask_generator': {'type', 'mask_ratio', 'mask_block_size'},
    'regularizer': keyword_arguments(build_regularizer) - {'segmentor'},
    'test_cfg': {'mode', 'crop_size', 'stride', 'batched_slide', 'amp', 'compile',
                 'subdivision_num_points', 'subdivision_steps', 'scale_factor'},
}
#: Keys whose dict is a frozen encoder.
ENCODERS = ('encoder', 'imnet_feature_dist_encoder')
#: Keys whose dict must name something registered.
COMPONENTS = ('model', 'uda', 'backbone', 'neck', 'decode_head', 'auxiliary_head', 'loss_decode')
#: Keys that a builder takes before the constructor sees the rest.
SUPPLIED = {'type', 'priority'}
BUILDER_KEYS = {'optimizer': {'paramwise_cfg', 'constructor'},
                'data.train.target': {'crop_pseudo_margins'}}


def validate(cfg: Config) -> None:
    """Check names, keys and class counts of ``cfg``.

    Raises:
        ConfigError: names the file, the path of the key and the nearest valid one.
    """
    for key in cfg.keys():
        known = key in TOP_LEVEL | ALSO_KNOWN
        close = [] if known else difflib.get_close_matches(key, TOP_LEVEL, 1, 0.8)
        if close:
            raise ConfigError(f"{cfg.filename}: unknown key {key}, did you mean '{close[0]}'?")
    for key in ('model', 'data'):
        if not isinstance(cfg.get(key), dict):
            raise ConfigError(f'{cfg.filename}: no {key} = dict(...) in it')
    try:
        for key in cfg.keys():
            _check_value(cfg[key], key)
        _check_lr_config(cfg.get('lr_config'))
        _check_classes(cfg)
        _check_loader(cfg.data)
        _check_training_keys(cfg)
    except ConfigError as error:
        raise ConfigError(f'{cfg.filename}: {error}') from None


def head_classes(cfg: Config) -> Iterator[Tuple[str, int]]:
    """(path, num_classes) of every head of the model."""
    segmentor = cfg.model.get('model', cfg.model)
    for name in ('decode_head', 'auxiliary_head'):
        heads = segmentor.get(name) or []
        single = isinstance(heads, dict)
        for i, head in enumerate([heads] if single else heads):
            if 'num_classes' in head:
                yield f'model.{name}' + ('' if single else f'.{i}'), head['num_classes']


def dataset_configs(cfg: Config) -> Iterator[Tuple[str, dict]]:
    """(path, config) of every data set that reads files, those inside wrappers too."""
    for split in ('train', 'val', 'test'):
        yield from _datasets_in(cfg.data.get(split), f'data.{split}')


def _datasets_in(value: Any, path: str) -> Iterator[Tuple[str, dict]]:
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _datasets_in(item, f'{path}.{i}')
    elif isinstance(value, dict):
        inner = [key for key in ('source', 'target', 'dataset', 'datasets') if key in value]
        for key in inner:
            yield from _datasets_in(value[key], f'{path}.{key}')
        if not inner and 'type' in value:
            yield path, value


def _check_value(value: Any, path: str) -> None:
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            _check_value(item, f'{path}.{i}')
    elif isinstance(value, dict):
        _check_keys(value, path)
        for key, item in value.items():
            _check_value(item, f'{path}.{key}')


def _check_keys(value: dict, path: str) -> None:
    names = [key for key in path.split('.') if not key.isdigit()]
    if names[-1] in ENCODERS and names[0] in ('model', 'uda'):
        kind = encoder_class(value.get('type', DEFAULT))
        _no_other_keys(value, {'type'} | keyword_arguments(kind), path)
        return
    plain = PLAIN.get(path) or PLAIN_ANYWHERE.get(names[-1])
    if plain is not None:
        _no_other_keys(value, plain, path)
        if names[-1] == 'test_cfg':
            check_test_cfg(value, path)
        return
    if not isinstance(value.get('type'), str):
        return
    target = _registered(value['type'], _registries(names), names[-1], path)
    accepted = keyword_arguments(target) if target is not None else None
    if accepted is not None:
        _no_other_keys(value, accepted | SUPPLIED | BUILDER_KEYS.get('.'.join(names), set()), path)


def _no_other_keys(value: dict, valid: Iterable[str], path: str) -> None:
    for key in value:
        if key not in valid:
            hint = nearest(key, valid) or ', valid keys are ' + ', '.join(sorted(valid))
            raise ConfigError(f'unknown key {path}.{key}{hint}')


def _registries(names: Sequence[str]) -> Sequence[Registry]:
    """Where the ``type`` of a dict at this path is looked up."""
    if names[0] in ('model', 'uda'):
        models = (getattr(builder, name, None) for name in (
            'SEGMENTORS', 'BACKBONES', 'HEADS', 'NECKS', 'LOSSES', 'UDA'))
        return [registry for registry in models if registry is not None]
    if names[0] == 'data':
        steps = names[-1].endswith('pipeline') or names[-1] == 'transforms'
        return [PIPELINES] if steps else [DATASETS]
    return {'optimizer': [OPTIMIZERS], 'runner': [RUNNERS], 'log_config': [HOOKS],
            'custom_hooks': [HOOKS], 'optimizer_config': [HOOKS]}.get(names[0], [])


def _registered(name: str, registries: Sequence[Registry], key: str, path: str) -> Optional[Any]:
    for registry in registries:
        found = registry.get(name)
        if found is not None:
            return found
    # Inside a model, types such as fusion_cfg=dict(type='aspp') are words of their own head.
    inside_model = path.split('.')[0] in ('model', 'uda')
    if registries and (key in COMPONENTS or not inside_model):
        known = {known for registry in registries for known in registry.module_dict}
        raise ConfigError(f"unknown {path}.type '{name}'{nearest(name, known)}")
    return None


def _check_lr_config(lr_config: Optional[dict]) -> None:
    if not lr_config or not isinstance(lr_config.get('policy'), str):
        return
    policy = lr_config['policy']
    suffix = 'LrUpdaterHook'
    policies = {name[:-len(suffix)].lower(): name for name in HOOKS.module_dict
                if name.endswith(suffix)}
    if policy.lower() not in policies:
        raise ConfigError(f"unknown lr_config.policy '{policy}'{nearest(policy, policies)}")
    accepted = keyword_arguments(HOOKS.get(policies[policy.lower()]))
    if accepted is not None:
        _no_other_keys(lr_config, accepted | {'policy'}, 'lr_config')


def _check_classes(cfg: Config) -> None:
    for path, dataset in dataset_configs(cfg):
        _check_dataset(path, dataset)
        classes = dataset.get('classes') or getattr(
            DATASETS.get(dataset['type']), 'CLASSES', None)
        if not isinstance(classes, (list, tuple)):
            continue
        for head, count in head_classes(cfg):
            if count != len(classes):
                raise ConfigError(
                    f'{head}.num_classes is {count}, but {path} ({dataset["type"]}) has '
                    f'{len(classes)} classes: give both the same')


def _check_dataset(path: str, dataset: dict) -> None:
    """What a data set class itself finds wrong in its config."""
    check = getattr(DATASETS.get(dataset['type']), 'check_config', None)
    try:
        if check is not None:
            check(dataset)
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from None


def _check_loader(data: dict) -> None:
    ahead = data.get('prefetch_factor')
    if ahead is not None and (not isinstance(ahead, int) or ahead < 1):
        raise ConfigError('data.prefetch_factor must be the number of batches that each worker '
                          f'reads ahead, at least 1, got {ahead!r}')


def _check_training_keys(cfg: Config) -> None:
    if cfg.get('fp16'):
        raise ConfigError("fp16 is mmcv's key: give uda.amp=dict(dtype='float16') (or 'bfloat16', "
                          'which needs no loss scale); uda.source_only=True trains on the source '
                          'alone')
    if cfg.get('uda') and cfg.get('optimizer_config'):
        raise ConfigError('optimizer_config must be None with uda, whose step calls the optimizer '
                          f'itself, got {dict(cfg.optimizer_config)}: uda.grad_clip and '
                          'uda.cumulative_iters clip and accumulate gradients')
