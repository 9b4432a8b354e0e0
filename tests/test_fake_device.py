"""The forward half of every method's step on an accelerator, without one.

Nothing mixes devices, and nothing waits for the device between two readings of the losses: no view,
augmentation, pseudo-label, mask, loss, watch, norm of gradients, clipping or update.
"""
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Dict
from unittest.mock import patch

import pytest
import tiny_training
import torch
from fake_device import (
    DEVICE,
    NoWaiting,
    WaitsForDevice,
    devices_of,
    fake_accelerator,
    moved,
    no_backward,
)
from test_matrix import CASES, ENCODER, Case, config_of
from torch._subclasses.fake_tensor import DataDependentOutputException

from mmseg_ssr.engine.build import build_training_model
from mmseg_ssr.engine.training.optimizer import build_optimizer
from mmseg_ssr.experiments.streets import SSR_PLUS
from mmseg_ssr.models.mask_former import mask2former_head, mask_losses
from mmseg_ssr.models.mask_former.matching import Targets
from mmseg_ssr.uda import Draws
from mmseg_ssr.uda.update.optimization import Optimization

TIMM = dict(type='timm', model='vit_small_patch14_dinov2', checkpoint=None, input_size=28,
            model_args=dict(depth=1, embed_dim=24, num_heads=2))
MOBILE_SAM = dict(ENCODER, variant='vit_t', encoder_args=dict(
    embed_dims=[8, 8, 16, 16], depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]))
PLUS = {key.partition('.')[2]: value for key, value in SSR_PLUS.items()}

#: Options that the tables of test_matrix leave out: architecture, method, regularizer, and keys.
MORE = {
    'thing classes': ('daformer', 'daformer', None, dict(
        imnet_feature_dist_classes=[6, 7, 11], imnet_feature_dist_scale_min_ratio=0.75)),
    'ignored rows': ('daformer', 'dacs', None, dict(
        pseudo_weight_ignore_top=2, pseudo_weight_ignore_bottom=3)),
    'plus': ('daformer', 'mic_separatetrgaug', 'ssr', PLUS),
    'composed maps': ('daformer', 'dacs', 'ssr', dict(PLUS, mixed_maps='composed')),
    'MobileSAM': ('segformer', 'dacs', 'ssr', {'regularizer.encoder': MOBILE_SAM}),
    'DINOv2': ('segformer', 'dacs', 'ssr', {'regularizer.encoder': TIMM}),
    'guidance': ('upernet', 'maxsquare', None, dict(guidance_weight=0.1)),
    'levels': ('upernet', 'minent', None, dict(lambda_ent=dict(main=0.1, aux=0.1))),
}


def one_of_each() -> list:
    """The fewest combinations of the matrix in which every value of its tables occurs."""
    missing, chosen = {part for case in CASES for part in enumerate(case)}, []
    while missing:
        best = max(CASES, key=lambda case: len(missing.intersection(enumerate(case))))
        chosen.append(best)
        missing.difference_update(enumerate(best))
    return chosen


@pytest.fixture(scope='module')
def sections() -> dict:
    sections = tiny_training.method_config(Path('/no/data'), iterations=2)
    sections['runner'] = dict(type='SelfTrainingRunner', max_iters=2)
    return sections


@pytest.fixture(autouse=True)
def always_augmented(monkeypatch):
    monkeypatch.setattr(Draws, 'uniform', lambda self: 0.99)


@pytest.fixture(autouse=True)
def matched_at_once(monkeypatch):
    """Two masks in each image. Mask2Former finds classes and matches them on the host (scipy)."""

    def targets(label, ignore_index, weight=None):
        masks = torch.ones(2, *label.shape[-2:], device=label.device)
        return [Targets(torch.arange(2, device=label.device), masks,
                        None if weight is None else weight[i]) for i in range(len(label))]

    def match(scores, masks, targets, points, costs):
        index = torch.arange(2, device=scores.device)
        return index, index

    monkeypatch.setattr(mask2former_head, 'targets_of', targets)
    monkeypatch.setattr(mask_losses, 'match', match)


def images() -> Dict[str, object]:
    """A batch on the device."""
    label = torch.zeros(2, 1, 32, 32, dtype=torch.long, device=DEVICE)
    metas = [dict(img_norm_cfg=tiny_training.NORM)] * 2
    return dict(img=torch.zeros(2, 3, 32, 32, device=DEVICE), img_metas=metas,
                gt_semantic_seg=label, target_img=torch.zeros(2, 3, 32, 32, device=DEVICE),
                target_img_metas=metas,
                valid_pseudo_mask=torch.ones(2, 1, 32, 32, device=DEVICE))


def train(cfg, iterations: int, interval: int = 50) -> dict:
    """Log of the last iteration on the fake device. The losses are read at the interval."""
    model = build_training_model(cfg, seed=0).train()
    model.finite_check.interval = interval
    with fake_accelerator():
        moved(model)
        optimizer = build_optimizer(cfg, model)
        with NoWaiting(), no_backward(model):
            for _ in range(iterations):
                log = model.train_step(images(), optimizer)['log_vars']
    return log


def check(cfg) -> None:
    """Train as many iterations as make an update."""
    log = train(cfg, cfg.uda.get('cumulative_iters', 1))
    assert devices_of({name: log[name] for name in log if 'loss' in name}) == {'cuda'}


@pytest.mark.parametrize('case', one_of_each(), ids=str)
def test_each_part_of_the_matrix(case, sections, tmp_path):
    check(config_of(case, sections, tmp_path / 'config.py'))


@pytest.mark.soak
@pytest.mark.parametrize('case', CASES, ids=str)
def test_the_whole_matrix(case, sections, tmp_path):
    check(config_of(case, sections, tmp_path / 'config.py'))


@pytest.mark.parametrize('name', MORE)
def test_further_options(name, sections, tmp_path):
    *parts, keys = MORE[name]
    cfg = config_of(Case(*parts), sections, tmp_path / 'config.py')
    for key, value in keys.items():
        *sections, last = key.split('.')
        reduce(getitem, sections, cfg.uda)[last] = value
    check(cfg)


def test_the_losses_are_read_at_the_interval(sections, tmp_path):
    cfg = config_of(Case('segformer', 'source_only', None), sections, tmp_path / 'config.py')
    train(cfg, iterations=1, interval=2)
    with pytest.raises(DataDependentOutputException):
        train(cfg, iterations=2, interval=2)


def test_float16_waits_in_the_update_alone(sections, tmp_path):
    """torch's ``GradScaler`` has to know whether gradients overflow."""
    cfg = config_of(Case('segformer', 'source_only', 'ssr'), sections, tmp_path / 'config.py')
    cfg.uda.amp = dict(dtype='float16')
    with patch.object(Optimization, 'update'):
        check(cfg)
    with pytest.raises(DataDependentOutputException):
        check(cfg)


@pytest.mark.parametrize('read', [
    lambda value: value.sum().item(), lambda value: bool(value.any()), lambda value: value.cpu(),
    lambda value: value[value > 0], lambda value: value + torch.zeros(3),
    lambda value: value + torch.zeros(3).to(DEVICE),
    lambda value: torch.tensor([1], device=DEVICE)])
def test_what_waits_or_mixes_is_found(read):
    with fake_accelerator():
        value = torch.ones(3, device=DEVICE)
        with NoWaiting(), pytest.raises((RuntimeError, WaitsForDevice)):
            read(value)
