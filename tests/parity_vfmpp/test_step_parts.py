"""Cases 14, 15 and 17 to 19: the parts of the step."""
import numpy as np
import pytest
import torch
from parity.differences import sample_rows
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.regularizer import FrozenNetwork, FrozenTimmEncoder
from mmseg_ssr.uda import (
    Batch,
    BlockMask,
    ClassMix,
    EMATeacher,
    FoundationDistance,
    PseudoLabel,
    PseudoLabeler,
)

from . import tolerances
from .cases import cases_of, difference, filled, norms
from .recorded_draws import RecordedDraws

#: With these, a normalized image is the image in 0..1.
NO_MEAN, NO_STD = torch.zeros(1, 3, 1, 1), torch.full((1, 3, 1, 1), 255.)


def each(beginning):
    return pytest.mark.parametrize('case', cases_of(beginning), ids=lambda case: case.name)


class Given(FrozenNetwork):
    """An encoder that gives one map."""

    def __init__(self, feature):
        super().__init__(nn.Identity())
        self.out_channels, self.feature = feature.shape[1], feature

    def forward(self, img):
        return self.feature


@each('14_')
def test_distance(case):
    frozen, f4 = case.tensor('frozen'), case.tensor('f4').requires_grad_()
    distance = FoundationDistance(Given(frozen), case.facts['in_channels'], weight=0.1)
    prefix = 'network_feature_head.feat_project.'
    distance.projection.load_state_dict({name[len(prefix):]: value
                                         for name, value in filled(case).items()})
    projected = distance.projection(f4)
    assert difference(projected, case.arrays['projected']) < tolerances.OUTPUT
    resized = F.interpolate(projected, frozen.shape[2:], mode='bilinear', align_corners=False)
    assert difference(resized, case.arrays['resized']) < tolerances.OUTPUT
    loss = distance(f4, torch.empty(0)) / 0.1
    loss.backward()
    assert difference(loss.reshape(1), case.arrays['loss']) < tolerances.OUTPUT
    assert difference(f4.grad, case.arrays['grad_f4']) < tolerances.OUTPUT
    parameters = {prefix + name: p for name, p in distance.projection.named_parameters()}
    names = case.facts['param_names']
    own = sample_rows([parameters[name].grad for name in names], 8)
    assert difference(own, case.arrays['grad_samples']) < tolerances.OUTPUT
    l2 = case.arrays['grad_stats'][:, 2]
    assert (abs(norms(parameters, names) - l2) / l2).max() < tolerances.OUTPUT


@each('15_')
def test_frozen_foundation_model(case, tmp_path):
    facts, file = case.facts, str(tmp_path / 'dinov2_reg4.pth')
    torch.save({name[len(facts['fill_prefix']):]: value for name, value in filled(case).items()},
               file)
    encoder = FrozenTimmEncoder(
        'vit_large_patch14_reg4_dinov2', checkpoint=file, input_size=facts['resized_to'],
        model_args=dict(embed_dim=facts['embed_dim'], depth=facts['depth'],
                        num_heads=facts['heads']))
    assert difference(encoder(case.tensor('input')), case.arrays['out']) < tolerances.OUTPUT


class TwoAnswers(nn.Module):
    """A segmentor that gives stored logits for an image, and others for its mirror image."""

    def __init__(self, img, logits, mirrored):
        super().__init__()
        self.backbone, self.answers = nn.Identity(), [(img, logits), (img.flip(3), mirrored)]
        self.decode_head = nn.Identity()
        self.decode_head.align_corners = False

    def extract_feat(self, img):
        return next(logits for seen, logits in self.answers if torch.equal(seen, img))


@each('17_')
def test_pseudo_label(case):
    logits = case.tensor('logits')
    img = torch.rand(len(logits), 3, *logits.shape[2:])
    teacher = EMATeacher(TwoAnswers(img, logits, case.tensor('logits_mirrored')))
    valid = case.tensor('ignore_mask') != 255
    label, weight, _ = PseudoLabeler(case.facts['threshold'], mirror=True)(
        teacher, Batch(img, None, NO_MEAN, NO_STD, img, valid))
    assert np.array_equal(label.squeeze(1), case.arrays['label'])
    assert np.array_equal(weight, case.arrays['weight'])


@each('18_')
def test_class_mix(case):
    arrays = case.arrays
    label, mask = case.tensor('source_label').unsqueeze(1), case.tensor('mask')
    batch = Batch(case.tensor('source_img'), label, NO_MEAN, NO_STD, case.tensor('target_img'))
    class_mix = ClassMix(lambda x, *_: 0.85 * x + 0.05, lambda x, *_: 0.9 * x + 0.02)
    pseudo = PseudoLabel(case.tensor('pseudo_label').unsqueeze(1), case.tensor('pseudo_weight'))
    view = class_mix(batch, pseudo, RecordedDraws(label, mask))
    assert np.array_equal(view.mixture.mask.squeeze(1), arrays['mask'] == 1)
    assert difference(view.img, arrays['mixed_img']) < tolerances.OUTPUT
    assert np.array_equal(view.label.squeeze(1), arrays['mixed_label'])
    # Ignored pixels have weight 0 there. Here they have a loss of 0.
    weight = view.weight * (view.label != 255).squeeze(1)
    assert difference(weight, arrays['mixed_weight']) < tolerances.OUTPUT


@each('19_')
def test_block_mask(case):
    for i, size in enumerate(case.facts['sizes']):
        grid = case.tensor(f'grid_{i}')[0]
        mask = BlockMask(case.facts['ratio'], case.facts['block']).mask(
            torch.empty(1, 3, *size), RecordedDraws(grids=grid))
        expected = np.unpackbits(case.arrays[f'mask_bits_{i}'])[:size[0] * size[1]]
        assert np.array_equal(mask.flatten().numpy(), expected)
