"""Pairs of several sources, through the data sets of mmseg 1.x."""
import pytest
import tiny_mmseg1
import torch
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS

from mmseg_ssr.errors import ConfigError

RCS = dict(min_pixels=16, class_temp=0.1, min_crop_ratio=1e6)


def two_sources(data, **options):
    """Six images of GTA5's layout and four of Cityscapes'."""
    steps = tiny_mmseg1.steps(labels=True)
    steps[2] = dict(type='RandomResize', scale=(96, 48), ratio_range=(0.7, 1.3), keep_ratio=True)
    sources = [dict(tiny_mmseg1.gta(data), pipeline=steps),
               tiny_mmseg1.cityscapes(data, 'train', steps)]
    with DefaultScope.overwrite_default_scope('mmseg'):  # as in a training
        return DATASETS.build(tiny_mmseg1.pairs(
            data, source=dict(type='ConcatDataset', datasets=sources),
            rare_class_sampling=dict(RCS, **options)))


def test_each_source_has_its_own_statistics(data):
    joint, own = (two_sources(data, min_crop_ratio=0., per_source=alone)
                  for alone in (False, True))
    shares = [len(part) / 10 for part in joint.source.datasets]
    draws = [own.pairs.drawn(i)[1] for i in range(300)]
    assert sum(image < 6 for image in draws) / 300 == pytest.approx(shares[0], abs=0.08)
    assert own.sampler.images == joint.sampler.images
    assert abs(own.sampler.all_probabilities(19) - joint.sampler.all_probabilities(19)).max() > 1e-3
    assert own.sampler.all_probabilities(19).sum() == pytest.approx(1)


@pytest.mark.parametrize('keep_scale, scales', [(True, 1), (False, 5)])
def test_crops_of_an_image_have_one_scale_if_asked_for(data, keep_scale, scales):
    pairs = two_sources(data, keep_scale=keep_scale, max_redraws=9)
    seen = []
    for part in pairs.source.datasets:
        place = 1 if keep_scale else 2
        part.pipeline.transforms.insert(
            place, lambda results: seen.append(results['scale_factor']) or results)
    first = pairs[3]
    assert len(seen) == 10 and (len(set(seen)) == 1) == (scales == 1)
    assert torch.equal(pairs[3]['inputs'], first['inputs'])


def test_one_scale_needs_the_resizing_behind_the_loading(data):
    steps = tiny_mmseg1.steps(labels=True)
    steps.insert(2, dict(type='PhotoMetricDistortion'))
    with DefaultScope.overwrite_default_scope('mmseg'), \
            pytest.raises(ConfigError, match='keep_scale needs a step that resizes right behind'):
        DATASETS.build(tiny_mmseg1.pairs(
            data, source=dict(tiny_mmseg1.gta(data), pipeline=steps),
            rare_class_sampling=dict(RCS, keep_scale=True)))
