"""What a config says, where a key may have several places, an old name or a default."""
import os
import re
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from mmcv import Config

from ...errors import ConfigError


def given(options: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """The options of a dict that are not None, which stands for the default."""
    return {key: value for key, value in (options or {}).items() if value is not None}


def experiment_name(cfg: Config) -> str:
    """``name`` of the config, else the file's name without suffix."""
    return cfg.get('name') or os.path.splitext(os.path.basename(cfg.filename))[0]


def max_iterations(cfg: Config) -> int:
    """Length of the training, ``runner.max_iters`` (``total_iters`` in old configs).

    Raises:
        ConfigError: none given, or less than one.
    """
    iterations = (cfg.get('runner') or {}).get('max_iters', cfg.get('total_iters'))
    if not isinstance(iterations, int) or iterations < 1:
        raise ConfigError(f'{cfg.filename}: runner.max_iters must be an integer of at least 1, '
                          f'got {iterations}')
    return iterations


def checkpoint_interval(iterations: int) -> int:
    """Iterations between checkpoints where the config does not say: a twentieth, at most 2000."""
    return max(1, min(2000, iterations // 20))


def batch_size(cfg: Config) -> int:
    """Samples of an iteration on one process, ``data.samples_per_gpu``."""
    return cfg.data.get('samples_per_gpu') or 2


def workers(cfg: Config) -> int:
    """Processes that load data, ``data.workers_per_gpu``, at most one for each core.

    Training processes on one machine share its cores.
    """
    cores = (os.cpu_count() or 1) // int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    return min(cfg.data.get('workers_per_gpu') or 0, max(cores, 1))


def prefetch_factor(cfg: Config) -> Optional[int]:
    """Batches that each of these processes reads ahead, ``data.prefetch_factor`` (torch's is 2)."""
    return cfg.data.get('prefetch_factor')


def method_config(cfg: Config) -> Dict[str, Any]:
    """``uda``, or the method around the segmentor, as stock mmseg has it; empty without one."""
    model = cfg.get('model') or {}
    return cfg.get('uda') or (model if 'model' in model else {})


def segmentor_config(cfg: Config) -> Dict[str, Any]:
    """``model``, or the segmentor inside the method there, as stock mmseg has it."""
    return cfg.model.get('model', cfg.model)


def segmentor_test_cfg(cfg: Config) -> Dict[str, Any]:
    """The ``test_cfg`` that the segmentor is built with, made if there is none."""
    segmentor = segmentor_config(cfg)
    if not segmentor.get('test_cfg'):
        segmentor['test_cfg'] = dict(cfg.get('test_cfg') or {})  # of old configs
    return segmentor['test_cfg']


def head_classes(cfg: Config) -> Iterator[Tuple[str, int]]:
    """(path, num_classes) of every head of the model."""
    segmentor = segmentor_config(cfg)
    for name in ('decode_head', 'auxiliary_head'):
        heads = segmentor.get(name) or []
        single = isinstance(heads, dict)
        for i, head in enumerate([heads] if single else heads):
            if isinstance(head, dict) and 'num_classes' in head:
                yield f'model.{name}' + ('' if single else f'.{i}'), head['num_classes']


def dataset_configs(cfg: Config) -> Iterator[Tuple[str, dict]]:
    """(path, config) of every data set that reads files, those inside wrappers too."""
    for split in ('train', 'val', 'test'):
        yield from _datasets_in(cfg.data.get(split), f'data.{split}')


def steps_of(pipeline: Sequence[dict], path: str = 'pipeline') -> Iterator[Tuple[str, dict]]:
    """(path, config) of the steps of the pipeline at ``path``, those inside others too."""
    for i, step in enumerate(pipeline):
        yield f'{path}.{i}', step
        yield from steps_of(step.get('transforms') or [], f'{path}.{i}.transforms')


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


def comparable(text: str, *but: str) -> str:
    """The text of a config without what has no effect on a training.

    Configs of older versions have ``name_*`` variables, which nothing reads.

    Args:
        text: as :attr:`mmcv.Config.pretty_text` lays it out.
        but: further keys at the top that are left out.
    """
    return re.sub(rf'^({"|".join(["name_", *but])})\w* = .*\n', '', text, flags=re.M)
