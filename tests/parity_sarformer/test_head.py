"""Cases 07: the heads of Mask2Former and SARFormer, from maps and regions to gradients."""
import numpy as np
import pytest
import torch
from mmseg.models.builder import HEADS
from torch.nn import functional as F

from mmseg_ssr.models.mask_former import RegionFeatures
from mmseg_ssr.models.mask_former.mask2former_head import class_scores
from mmseg_ssr.regions import Regions, tidied

from . import tolerances
from .cases import (
    bits,
    cases_of,
    difference,
    fill_named,
    head_config,
    input_array,
    norms,
    sampled,
    used,
)
from .recorded_draws import RecordedMaskDraws

STRIDES = (4, 8, 16, 32)


def regions_of(case, image, width):
    """The regions of an image after the region-based optimizer."""
    masks = bits(case, f'masks_{image}', width)
    regions = Regions.of(masks, torch.ones(len(masks)))
    if f'boxes_{image}' not in case.arrays:
        return regions
    of_boxes = bits(case, f'box_masks_{image}', width)
    boxes = torch.from_numpy(case.arrays[f'boxes_{image}']).float()
    return tidied(regions, boxes, Regions.of(of_boxes, torch.ones(len(of_boxes))))


class Run:
    """One pass of the head with everything that a case records."""

    def __init__(self, case):
        self.case = case
        height, width = case.facts['size']
        config = case.config
        self.head = HEADS.build(head_config(config, case.facts['head']))
        fill_named(self.head, case.seed, case.facts['fill_prefix'])
        self.head.train()
        self.head.draws = RecordedMaskDraws(case, '', width)
        self.maps, self.context = (
            [input_array(case.seed, f'{name}.{i}', (2, channels, height // s, width // s))
             .requires_grad_() for i, (channels, s) in enumerate(zip(config['in_channels'],
                                                                     STRIDES))]
            for name in ('feat', 'adapter'))
        features = RegionFeatures(self.maps, self.context, [
            regions_of(case, i, width).masks for i in range(2)], (height, width))
        self.layers = []
        for layer in self.head.transformer_decoder.layers:
            layer.register_forward_pre_hook(lambda _, inputs: self.layers.append(inputs))
        self.recorded('query_masks', self.head)
        self.recorded('matches', self.head.losses)
        self.predicted = self.head(features)
        labels = torch.from_numpy(case.arrays['labels']).long().unsqueeze(1)
        self.losses = self.head.prediction_losses(self.predicted, labels)
        sum(self.losses.values()).backward()

    def recorded(self, name, owner):
        """Keep what a method returns, in a list of its name."""
        method = getattr(owner, name, None)
        results = []
        setattr(self, name, results)
        if method is not None:
            def keep(*args):
                results.append(method(*args))
                return results[-1]
            setattr(owner, name, keep)

    def assigned(self):
        """Per output, image and query the 1-based target, 0 for none."""
        outputs = []
        for matches in self.matches:
            rows = torch.zeros(len(matches), self.head.num_queries, dtype=torch.long)
            for row, (queries, targets) in zip(rows, matches):
                row[queries] = targets + 1
            outputs.append(rows)
        return torch.stack(outputs)


@pytest.fixture(scope='module', params=cases_of('07_'), ids=lambda case: case.name)
def run(request):
    return Run(request.param)


def test_regions_of_the_queries_and_first_attention(run):
    arrays = run.case.arrays
    width = run.case.facts['size'][1]
    if 'mask_queries' in arrays:
        own = run.query_masks[0] > 0.5
        assert torch.equal(own, bits(run.case, 'mask_queries', width))
    blocked = run.layers[0][4]
    size = blocked.shape[-1]
    expected = np.unpackbits(arrays['attention_mask_first'], axis=-1, count=size)
    assert np.array_equal(blocked.numpy(), expected.astype(bool))
    assert not run.head.draws.unused


def test_queries_and_predictions(run):
    arrays = run.case.arrays
    assert difference(run.layers[0][0], arrays['query_feat']) < tolerances.OUTPUT
    counts = torch.stack([inputs[4].sum(-1) for inputs in run.layers])
    assert np.array_equal(counts.numpy(), arrays['attention_blocked'])
    assert difference(torch.stack(run.predicted.classes), arrays['cls']) < tolerances.OUTPUT
    assert difference(run.predicted.masks[-1], arrays['mask_last']) < tolerances.OUTPUT
    samples = np.stack([sampled(masks, arrays['mask_samples'].shape[1])
                        for masks in run.predicted.masks])
    assert difference(samples, arrays['mask_samples']) < tolerances.OUTPUT


def test_scores(run):
    arrays = run.case.arrays
    masks = F.interpolate(run.predicted.masks[-1], run.case.facts['size'], mode='bilinear')
    scores = class_scores(run.predicted.classes[-1], masks)
    expected = arrays['scores_samples']
    assert difference(sampled(scores, expected.size), expected) < tolerances.OUTPUT
    other = scores.argmax(1).numpy() != arrays['scores_argmax']
    assert other.mean() <= tolerances.PIXELS


def test_assignments_and_losses(run):
    arrays, names = run.case.arrays, run.case.facts['loss_names']
    assert np.array_equal(run.assigned().numpy(), arrays['assigned'])
    assert sorted(run.losses) == sorted(names)
    for name, expected in zip(names, arrays['losses']):
        assert difference(run.losses[name], expected) < tolerances.LOSS, name


def test_gradients(run):
    case, arrays = run.case, run.case.arrays
    prefix = case.facts['fill_prefix']
    gradients = {prefix + name: p.grad for name, p in run.head.named_parameters()}
    names = case.facts['param_names']
    assert sorted(gradients) == sorted(used(names))
    kept = [names.index(name) for name in used(names)]
    # A loss that is 0 * prediction gives gradients of 0, or none.
    own, expected = norms(gradients, used(names)), arrays['grad_l2'][kept]
    assert difference(np.nan_to_num(own), np.nan_to_num(expected)) < tolerances.GRADIENT
    for name, maps in (('feat', run.maps), ('adapter', run.context)):
        if f'grad_{name}_l2' not in arrays:
            continue
        for i, one in enumerate(maps):
            expected = arrays[f'grad_{name}_samples'][i]
            grad = torch.zeros_like(one) if one.grad is None else one.grad
            assert abs(float(grad.double().norm()) - arrays[f'grad_{name}_l2'][i]) <= \
                tolerances.GRADIENT * abs(arrays[f'grad_{name}_l2']).max()
            own = sampled(grad, expected.size)
            assert difference(own, expected) < tolerances.GRADIENT, (name, i)
