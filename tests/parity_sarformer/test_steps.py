"""Cases 08: four steps of backbone and head with AdamW, clipping and a decaying rate."""
import numpy as np
import pytest
import torch
from mmseg.models.builder import BACKBONES, HEADS
from parity.differences import sample_rows
from parity.schedules import rates_at

from mmseg_ssr.models.mask_former import RegionFeatures

from . import tolerances
from .cases import (
    backbone_config,
    bits,
    cases_of,
    difference,
    fill_named,
    head_config,
    input_array,
    used,
)
from .recorded_draws import RecordedMaskDraws, iteration_prefixes


@pytest.mark.parametrize('case', cases_of('08_sarformer_steps'), ids=lambda case: case.name)
def test_steps(case):
    facts, arrays = case.facts, case.arrays
    height, width = facts['backbone']['img_size']
    parts = torch.nn.ModuleDict(dict(
        backbone=BACKBONES.build(backbone_config(facts['backbone'])),
        decode_head=HEADS.build(head_config(facts['head'], facts.get('kind',
                                                                     'SARFormer_Adapter')))))
    fill_named(parts, case.seed, '')
    parts.train()
    parameters = dict(parts.named_parameters())
    order = used(facts['param_order'])
    assert sorted(parameters) == sorted(order)
    kept = [facts['param_order'].index(name) for name in order]
    options = facts['optimizer']
    optimizer = torch.optim.AdamW(
        [parameters[name] for name in order], lr=options['lr'], betas=options['betas'],
        eps=options['eps'], weight_decay=options['weight_decay'])
    regions = [bits(case, f'masks_{i}', width) for i in range(2)]
    rates = list(rates_at(range(len(arrays['lr'])), [options['lr']], 10, 0, power=0.9, min_lr=0.,
                          warmup_ratio=0.))
    for step, prefix in enumerate(iteration_prefixes(case)):
        assert abs(rates[step][0] / arrays['lr'][step] - 1) < 1e-12
        optimizer.param_groups[0]['lr'] = rates[step][0]
        head = parts['decode_head']
        head.draws = RecordedMaskDraws(case, prefix, width)
        image = input_array(case.seed, f'image.{step}', (2, 3, height, width))
        maps, context = parts['backbone'](image, return_context=True)
        features = RegionFeatures(maps, context, regions, (height, width))
        label = torch.from_numpy(arrays[f'{prefix}labels']).long().unsqueeze(1)
        losses = head.forward_train(features, [], label, None)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        norm = torch.nn.utils.clip_grad_norm_(parts.parameters(), 0.01)
        optimizer.step()
        own = np.array([float(losses[name].detach()) for name in facts['loss_names']])
        assert (abs(own / arrays['losses'][step] - 1) < tolerances.STEP_LOSS).all(), step
        assert abs(float(norm) / arrays['grad_norm'][step] - 1) < tolerances.STEP_NORM, step
        rows = sample_rows((parameters[name] for name in order), arrays['param_samples'].shape[2])
        expected = arrays['param_samples'][step][kept]
        assert difference(rows, expected) < tolerances.STEP_PARAMETER, step
        assert not head.draws.unused
