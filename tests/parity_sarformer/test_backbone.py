"""Cases 06: BEiT with its adapter, and its positions at another size."""
import pytest
import torch
from mmseg.models.builder import BACKBONES

from mmseg_ssr.models.vit_adapter.beit_weights import resample_table

from . import tolerances
from .cases import (
    backbone_config,
    cases_of,
    difference,
    fill_named,
    input_array,
    norms,
    sampled,
)


def built(case):
    backbone = BACKBONES.build(backbone_config(case.config))
    fill_named(backbone, case.seed, case.facts['fill_prefix'])
    return backbone


def image_of(case):
    shape = (2, 3, *case.config['img_size'])
    return input_array(case.seed, 'image', shape)


@pytest.mark.parametrize('case', cases_of('06_beit_adapter'), ids=lambda case: case.name)
def test_maps_in_eval_mode(case):
    backbone = built(case).eval()
    with torch.no_grad():
        maps, context = backbone(image_of(case), return_context=True)
    for kind, found in (('f', maps), ('c', context)):
        for i, one in enumerate(found, start=1):
            expected = case.arrays[f'eval_{kind}{i}']
            own = one if expected.ndim == 4 else sampled(one, expected.size)
            assert difference(own, expected) < tolerances.OUTPUT, (kind, i)


@pytest.mark.parametrize('case', cases_of('06_beit_adapter'), ids=lambda case: case.name)
def test_maps_gradients_and_statistics_of_training(case):
    backbone = built(case).train()
    img = image_of(case).requires_grad_()
    maps, context = backbone(img, return_context=True)
    scalar = sum((i + 1) * one.square().mean() + one.mean() for i, one in enumerate(maps))
    scalar = scalar + sum((one * input_array(case.seed, f'cot.{i}', one.shape)).mean()
                          for i, one in enumerate(context))
    scalar.backward()
    for i, one in enumerate(maps, start=1):
        expected = case.arrays[f'train_f{i}_samples']
        assert difference(sampled(one, expected.size), expected) < tolerances.OUTPUT, i
    assert difference(scalar, case.arrays['scalar']) < tolerances.LOSS
    prefix = case.facts['fill_prefix']
    gradients = {prefix + name: p.grad for name, p in backbone.named_parameters()}
    names = case.facts['param_names']
    assert sorted(gradients) == sorted(names)
    assert difference(norms(gradients, names), case.arrays['grad_l2']) < tolerances.GRADIENT
    expected = case.arrays['grad_image_samples']
    assert difference(sampled(img.grad, expected.size), expected) < tolerances.GRADIENT
    for kind in ('mean', 'var'):
        own = getattr(backbone.norm_1, f'running_{kind}')
        assert difference(own, case.arrays[f'running_{kind}_norm_1']) < tolerances.OUTPUT


@pytest.mark.parametrize('case', cases_of('06_beit_positions'), ids=lambda case: case.name)
def test_positions_at_another_size(case):
    tables = [name for name in case.arrays if name.startswith('table_')]
    assert tables
    for name in tables:
        size = int(name.rpartition('_')[2])
        expected = case.arrays[name]
        table = input_array(case.seed, f'table.{size}', (27 * 27 + 3, expected.shape[1]))
        assert difference(resample_table(table, size // 16), expected) < tolerances.OUTPUT
