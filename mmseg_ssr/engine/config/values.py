"""Values of config keys that may stand in several places, have an old name or a default."""
import os
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from mmcv import Config

from ...errors import ConfigError


def given(options: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """Return the options that are not None. None stands for the default."""
    return {key: value for key, value in (options or {}).items() if value is not None}


def experiment_name(cfg: Config) -> str:
    """Return ``name`` of the config, else the name of its file without suffix."""
    return cfg.get('name') or os.path.splitext(os.path.basename(cfg.filename))[0]


def max_iterations(cfg: Config) -> int:
    """Return the length of the training, ``runner.max_iters`` (``total_iters`` in old configs).

    Raises:
        ConfigError: the length is missing or less than 1.
    """
    iterations = (cfg.get('runner') or {}).get('max_iters', cfg.get('total_iters'))
    if not isinstance(iterations, int) or iterations < 1:
        raise ConfigError(f'{cfg.filename}: runner.max_iters must be an integer of at least 1, '
                          f'got {iterations}')
    return iterations


def checkpoint_interval(iterations: int) -> int:
    """Return the default number of iterations between checkpoints: a twentieth, at most 2000."""
    return max(1, min(2000, iterations // 20))


def batch_size(cfg: Config) -> int:
    """Return the samples per iteration of one process, ``data.samples_per_gpu``."""
    return cfg.data.get('samples_per_gpu') or 2


def workers(cfg: Config) -> int:
    """Return the number of processes that load data, ``data.workers_per_gpu``.

    There is at most one for each core. Training processes on one machine share its cores.
    """
    cores = (os.cpu_count() or 1) // int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    return min(cfg.data.get('workers_per_gpu') or 0, max(cores, 1))


def prefetch_factor(cfg: Config) -> Optional[int]:
    """Return the batches that each of them reads ahead, ``data.prefetch_factor``.

    None stands for torch's default, 2.
    """
    return cfg.data.get('prefetch_factor')


def method_config(cfg: Config) -> Dict[str, Any]:
    """Return the config of the method: ``uda``, or a ``model`` that wraps the segmentor.

    Stock mmseg uses the second form. The dict is empty if there is no method.
    """
    model = cfg.get('model') or {}
    return cfg.get('uda') or (model if 'model' in model else {})


def segmentor_config(cfg: Config) -> Dict[str, Any]:
    """Return the config of the segmentor: ``model``, or ``model.model`` if a method wraps it."""
    return cfg.model.get('model', cfg.model)


def segmentor_test_cfg(cfg: Config) -> Dict[str, Any]:
    """Return the ``test_cfg`` that the segmentor is built with. It is made if there is none."""
    segmentor = segmentor_config(cfg)
    if not segmentor.get('test_cfg'):
        segmentor['test_cfg'] = dict(cfg.get('test_cfg') or {})  # from old configs
    return segmentor['test_cfg']


def head_classes(cfg: Config) -> Iterator[Tuple[str, int]]:
    """Yield (path, num_classes) of every head in the model."""
    for path, count, _ in head_losses(cfg):
        yield path, count


def head_losses(cfg: Config) -> Iterator[Tuple[str, int, Sequence[Tuple[str, dict]]]]:
    """Yield path, num_classes, and the losses with their paths, of every head in the model."""
    segmentor = segmentor_config(cfg)
    for name in ('decode_head', 'auxiliary_head'):
        for path, head in _one_or_several(segmentor.get(name), f'model.{name}'):
            if 'num_classes' in head:
                yield path, head['num_classes'], list(_one_or_several(
                    head.get('loss_decode'), f'{path}.loss_decode'))


def _one_or_several(value: Any, path: str) -> Iterator[Tuple[str, dict]]:
    """Yield (path, dict) of a dict, or of each dict in a list."""
    several = isinstance(value, (list, tuple))
    for i, item in enumerate(value if several else [value]):
        if isinstance(item, dict):
            yield f'{path}.{i}' if several else path, item


def dataset_configs(cfg: Config) -> Iterator[Tuple[str, dict]]:
    """Yield (path, config) of every data set that reads files, also of those inside wrappers."""
    for split in ('train', 'val', 'test'):
        yield from split_configs(cfg, split)


def split_configs(cfg: Config, split: str) -> Iterator[Tuple[str, dict]]:
    """Yield the same for ``data.SPLIT`` alone."""
    yield from datasets_in(cfg.data.get(split), f'data.{split}')


def steps_of(pipeline: Sequence[dict], path: str = 'pipeline') -> Iterator[Tuple[str, dict]]:
    """Yield (path, config) of every step of the pipeline at ``path``, also of nested steps."""
    for i, step in enumerate(pipeline):
        yield f'{path}.{i}', step
        yield from steps_of(step.get('transforms') or [], f'{path}.{i}.transforms')


def datasets_in(value: Any, path: str) -> Iterator[Tuple[str, dict]]:
    """Yield the same for the part of a config at ``path``."""
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from datasets_in(item, f'{path}.{i}')
    elif isinstance(value, dict):
        inner = [key for key in ('source', 'target', 'dataset', 'datasets') if key in value]
        for key in inner:
            yield from datasets_in(value[key], f'{path}.{key}')
        if not inner and 'type' in value:
            yield path, value
