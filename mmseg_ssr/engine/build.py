"""Building of data sets and models from a config."""
import contextlib
import copy
import logging
import warnings
from typing import Iterator, Optional, Tuple

import torch
from mmcv import Config
from mmseg.datasets.builder import DATASETS
from mmseg.models.builder import SEGMENTORS
from torch import nn
from torch.utils.data import Dataset

from .. import distributed
from ..datasets import UDADataset, build_dataset
from ..datasets.pipelines.checked_loading import leaf_datasets
from ..datasets.several_sets import build_scored, first_images
from ..errors import ConfigError, explained
from ..models.sync_batch_norm import synchronize_batch_norm
from ..uda.replicas import networks
from ..utils.seeding import seeded
from .checkpoint.pretrained import initialize
from .config.faults import config_fault
from .config.signatures import keyword_arguments
from .config.values import max_iterations


def build_training_model(cfg: Config, seed: int) -> nn.Module:
    """Build the segmentor of ``model``, or the method of ``uda`` around it, and its first weights.

    With the same seed the student starts from the same weights with every method.

    Raises:
        ConfigError: a constructor refuses its arguments.
        MissingFile, CheckpointError: pretrained weights are missing or cannot be read.
    """
    model = construct(cfg, seed)
    with seeded(seed), _quiet_mmcv(), explained(config_fault(cfg, 'model')):
        initialize(model)
    if distributed.world_size() == 1:
        return _without_sync_batch_norm(model)
    for _, network in networks(model):
        if network.training:  # frozen networks do not use statistics of their batch
            synchronize_batch_norm(network)
    return model


def construct(cfg: Config, seed: int) -> nn.Module:
    """Do the work of :func:`build_training_model` without the weights that the student starts from.

    Raises:
        ConfigError: a constructor refuses its arguments.
    """
    model_cfg = _model_config(cfg)
    if model_cfg.get('train_cfg') is None:
        model_cfg['train_cfg'] = {}
    if cfg.get('uda'):
        model_cfg = dict(copy.deepcopy(dict(cfg.uda)), model=model_cfg,
                         max_iters=max_iterations(cfg))
        accepted = keyword_arguments(SEGMENTORS.get(model_cfg['type']))
        if accepted is None or 'seed' in accepted:
            model_cfg.setdefault('seed', seed)
    with seeded(seed):
        with explained(config_fault(cfg, 'uda' if cfg.get('uda') else 'model')):
            return _built(model_cfg)


def build_test_model(cfg: Config) -> nn.Module:
    """Build the plain segmentor as mmseg does for a test: no method and no pretrained weights."""
    model_cfg = _model_config(cfg)
    model_cfg = dict(model_cfg.get('model', model_cfg))  # stock mmseg wraps it in a method
    model_cfg.update(pretrained=None, train_cfg=None)
    with explained(config_fault(cfg, 'model')):
        return _without_sync_batch_norm(_built(model_cfg))


def _built(model_cfg: dict) -> nn.Module:
    """Build a segmentor without mmseg's advice to write the config in another way than published.

    The advice is to average losses otherwise, and to name pretrained weights by another key.
    """
    with warnings.catch_warnings():
        for advice in ('Default ``avg_non_ignore`` is False',
                       'DeprecationWarning: pretrained is (a )?deprecated'):
            warnings.filterwarnings('ignore', message=advice)
        return SEGMENTORS.build(model_cfg)


def build_training_dataset(cfg: Config, seed: int) -> Dataset:
    """Build ``data.train``. If the data set takes a seed, it gets the training's.

    Raises:
        ConfigError, MissingFile, DataError: see :func:`mmseg_ssr.datasets.build_dataset`.
    """
    train_cfg = copy.deepcopy(cfg.data.train)
    if isinstance(train_cfg, dict):
        accepted = keyword_arguments(DATASETS.get(train_cfg['type']))
        if accepted is not None and 'seed' in accepted:
            train_cfg.setdefault('seed', seed)
    is_pair = isinstance(train_cfg, dict) and 'source' in train_cfg
    with explained(config_fault(cfg, 'data.train')):
        dataset = build_dataset(train_cfg, need_labels=not is_pair)
        endless = [part for part in leaf_datasets(dataset) if isinstance(part, UDADataset)]
        if endless and endless != [dataset]:
            raise ConfigError(f'UDADataset is inside {type(dataset).__name__}, but its samples do '
                              'not end: give it alone')
    return dataset


def build_test_dataset(cfg: Config, split: str = 'test', need_labels: bool = True) -> Dataset:
    """Build ``data.val`` or ``data.test``, which may be several sets.

    Args:
        cfg: the config.
        split: ``'val'`` or ``'test'``.
        need_labels: whether predictions will be scored.

    Raises:
        ConfigError, MissingFile, DataError: see :func:`mmseg_ssr.datasets.build_dataset`.
    """
    if not cfg.data.get(split):
        raise ConfigError(f'{cfg.filename}: no data.{split} = dict(...) in it to test on')
    with explained(config_fault(cfg, f'data.{split}')):
        return build_scored(cfg.data[split], need_labels=need_labels)


def limit_images(dataset: Dataset, count: Optional[int]) -> Dataset:
    """Reduce the data set, or each of several, to its first ``count`` images. None keeps all."""
    return dataset if count is None else first_images(dataset, count)


def class_names(dataset: Dataset) -> Tuple[Optional[tuple], Optional[list]]:
    """Return (CLASSES, PALETTE) of a data set in plain containers."""
    classes, palette = (getattr(dataset, name, None) for name in ('CLASSES', 'PALETTE'))
    return (None if classes is None else tuple(str(name) for name in classes),
            None if palette is None else [[int(c) for c in color] for color in palette])


def _model_config(cfg: Config) -> dict:
    """Return ``model`` with an outer ``train_cfg`` and ``test_cfg`` (old configs) moved inside."""
    model_cfg = copy.deepcopy(dict(cfg.model))
    for key in ('train_cfg', 'test_cfg'):
        if cfg.get(key) is not None:
            model_cfg.setdefault(key, copy.deepcopy(cfg[key]))
    return model_cfg


@contextlib.contextmanager
def _quiet_mmcv() -> Iterator[None]:
    """Keep mmcv from listing how each parameter was initialized."""
    logger = logging.getLogger('mmcv')
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _without_sync_batch_norm(model: nn.Module) -> nn.Module:
    if not any(isinstance(m, torch.nn.SyncBatchNorm) for m in model.modules()):
        return model
    from mmcv.cnn.utils import revert_sync_batchnorm
    return revert_sync_batchnorm(model)
