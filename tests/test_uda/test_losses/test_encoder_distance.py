from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.regularizer import FrozenNetwork
from mmseg_ssr.uda import EncoderDistance, FeatureDistance

TIMM = dict(type='timm', model='test_vit', checkpoint=None, input_size=32)


class Encoder(FrozenNetwork):
    """The image itself in cells of 4 pixels, and how often it was asked."""
    out_channels = 3

    def __init__(self):
        super().__init__(nn.AvgPool2d(4))
        self.calls = 0

    def forward(self, img):
        self.calls += 1
        return super().forward(img)


@pytest.fixture
def inputs():
    label = torch.zeros(1, 1, 16, 16).long()
    label[..., :8, :8] = 11
    return torch.randn(1, 5, 2, 2, requires_grad=True), torch.randn(1, 3, 16, 16), label


def distance(shared=False):
    return EncoderDistance(Encoder(), 5, shared, weight=0.5, num_classes=19, classes=[11],
                           min_ratio=0.75)


def test_projected_features_are_compared_with_the_encoders_resized_map(inputs):
    feature, img, label = inputs
    part = distance()
    loss, cells = part(feature, img, label)
    reference = F.interpolate(F.avg_pool2d(img, 4), (2, 2), mode='bilinear', antialias=True)
    difference = F.conv2d(feature, part.projection.weight, part.projection.bias) - reference
    torch.testing.assert_close(loss, 0.5 * difference[0, :, 0, 0].norm())
    assert cells == 1
    loss.backward()
    assert part.projection.weight.grad.any() and feature.grad[..., 0, 0].any()
    assert not feature.grad[..., 1, :].any()


def test_a_shared_encoder_is_not_run_again(inputs):
    feature, img, label = inputs
    part, context = distance(shared=True), torch.randn(1, 3, 2, 2)
    loss, _ = part(feature, img, label, context)
    torch.testing.assert_close(
        loss, 0.5 * (part.projection(feature) - context)[0, :, 0, 0].norm())
    assert part.imagenet.calls == 0 and part.networks == []
    assert len(distance().networks) == 1


def test_the_encoder_is_frozen_and_the_projection_alone_is_trained():
    part = distance().train()
    assert [name for name, _ in part.named_parameters()] == ['projection.weight',
                                                             'projection.bias']
    assert not part.imagenet.network.training


def test_a_cell_that_does_not_divide_the_crop():
    """A stride of 14 at 512 pixels: 37 cells, labels at the nearest multiple, 13 * 37."""
    part = FeatureDistance(nn.Identity(), 1., 19, classes=[11], min_ratio=0.75)
    label = torch.zeros(1, 1, 512, 512).long()
    label[..., :256, :] = 11
    mask = part.thing_mask(label, (37, 37))
    assert mask.shape == (1, 37, 37)
    assert mask[0, :18].all() and not mask[0, 19:].any()


@pytest.mark.parametrize('encoder', [TIMM, 'regularizer'])
def test_a_step_trains_the_projection(method, batch, encoder):
    ssr = method(ssr=True, imnet_feature_dist_encoder=encoder, imnet_feature_dist_classes=None)
    before = deepcopy(ssr.feature_distance.projection.state_dict())
    optimizer = torch.optim.SGD(ssr.parameters(), lr=0.1)
    log = ssr.train_step(batch, optimizer)['log_vars']
    assert log['src.loss_imnet_feat_dist'] > 0
    assert not torch.equal(before['weight'], ssr.feature_distance.projection.weight)
    assert not [name for name in ssr.state_dict() if 'projection' in name]


def test_a_resumed_training_has_the_projection(method):
    one, two = (method(imnet_feature_dist_encoder=TIMM) for _ in range(2))
    nn.init.normal_(one.feature_distance.projection.weight)
    two.load_training_state(one.training_state())
    assert torch.equal(one.feature_distance.projection.weight,
                       two.feature_distance.projection.weight)
    with pytest.raises(ValueError, match='imnet_feature_dist_encoder'):
        method().load_training_state(one.training_state())


def test_the_students_start_does_not_touch_the_encoder(method):
    built = method(imnet_feature_dist_encoder=TIMM)
    before = deepcopy(built.feature_distance.imagenet.network.state_dict())
    built.copy_student()
    after = built.feature_distance.imagenet.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize('options, message', [
    (dict(imnet_feature_dist_encoder='regularizer'), "got 'regularizer' without SSR"),
    (dict(imnet_feature_dist_encoder='dino'), "must be None, dict.* got 'dino'"),
    (dict(imnet_feature_dist_encoder=dict(type='tim')), "did you mean 'timm'"),
])
def test_wrong_values(method, options, message):
    with pytest.raises(ConfigError, match=message):
        method(**options)


def test_a_neck_that_starts_random_has_nothing_to_stay_near(method):
    student = dict(
        type='EncoderDecoder',
        backbone=dict(type='FoundationBackbone', model='test_vit'),
        neck=dict(type='SimpleFeaturePyramid', in_channels=64, out_channels=8),
        decode_head=dict(type='FCNHead', in_channels=8, channels=8, num_convs=0,
                         concat_input=False, in_index=3, num_classes=19),
        train_cfg=dict(), test_cfg=dict(mode='whole'))
    with pytest.raises(ConfigError, match='behind the neck SimpleFeaturePyramid'):
        method(model=student)
    assert method(model=student, imnet_feature_dist_lambda=0).feature_distance is None
