import pytest
import torch
from mmseg.models.builder import BACKBONES, HEADS
from mmseg.models.segmentors import BaseSegmentor

from mmseg_ssr.uda import student


def head(**options):
    return HEADS.build(dict(dict(
        type='FCNHead', in_channels=4, channels=4, num_convs=0, concat_input=False,
        in_index=0, num_classes=3), **options))


def test_losses_are_means_over_all_pixels():
    fcn, features = head().eval(), [torch.randn(2, 4, 4, 4)]
    label = torch.randint(0, 3, (2, 1, 8, 8))
    label[:, :, :2] = 255
    weight = torch.rand(2, 8, 8)

    losses = student.supervised_losses(fcn, features, label, weight)

    logits = torch.nn.functional.interpolate(fcn(features), (8, 8), mode='bilinear')
    per_pixel = torch.nn.functional.cross_entropy(
        logits, label.squeeze(1), ignore_index=255, reduction='none')
    torch.testing.assert_close(losses['loss_ce'], (per_pixel * weight).sum() / weight.numel())
    share = (logits.argmax(1) == label.squeeze(1)).float().mean()
    torch.testing.assert_close(losses['acc_seg'].squeeze(), 100 * share)


def test_several_losses_of_one_name_are_summed():
    term = dict(type='CrossEntropyLoss', loss_weight=1.0)
    features, label = [torch.randn(1, 4, 4, 4)], torch.randint(0, 3, (1, 1, 4, 4))
    one, two = head(loss_decode=term), head(loss_decode=[term, term])
    two.load_state_dict(one.state_dict())
    one.eval(), two.eval()
    torch.testing.assert_close(
        student.supervised_losses(two, features, label)['loss_ce'],
        2 * student.supervised_losses(one, features, label)['loss_ce'])


class KeepFirstRow:
    """A pixel sampler that keeps the first row of every image."""

    def sample(self, logits, label):
        keep = torch.zeros(label.shape[0], *label.shape[2:])
        keep[:, 0] = 1
        return keep


def test_a_pixel_sampler_and_a_weight_multiply():
    fcn, features = head().eval(), [torch.randn(1, 4, 4, 4)]
    label = torch.randint(0, 3, (1, 1, 4, 4))
    weight = torch.rand(1, 4, 4)
    both = weight * KeepFirstRow().sample(None, label)
    expected = student.supervised_losses(fcn, features, label, both)['loss_ce']
    fcn.sampler = KeepFirstRow()
    assert student.supervised_losses(fcn, features, label, weight)['loss_ce'] == expected


@pytest.mark.parametrize('backbone, name', [
    (dict(type='ResNetV1c', depth=18, stem_channels=8, base_channels=8), 'stem'),
    (dict(type='ResNet', depth=18, stem_channels=8, base_channels=8), 'conv1'),
    (dict(type='mit_b0'), 'patch_embed1'),
    (dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1] * 4), 'layers.0.0'),
    (dict(type='HRNet', extra=dict(
        stage1=dict(num_modules=1, num_branches=1, block='BASIC', num_blocks=(1, ),
                    num_channels=(8, )),
        **{f'stage{i}': dict(num_modules=1, num_branches=i, block='BASIC', num_blocks=(1, ) * i,
                             num_channels=(8, ) * i) for i in (2, 3, 4)})), 'conv1')])
def test_the_stem_of_a_backbone(backbone, name):
    network = BACKBONES.build(backbone)
    assert student.stem(network) is network.get_submodule(name)


def test_what_does_not_convolve_has_no_stem():
    assert student.stem(torch.nn.Linear(2, 2)) is None


def test_a_segmentor_of_another_kind_labels_by_its_own_inference():
    sure = type('Sure', (BaseSegmentor, ), dict.fromkeys(BaseSegmentor.__abstractmethods__, None))()
    sure.encode_decode = lambda img, metas: img + 20
    img = torch.zeros(1, 3, 4, 4)
    assert (student.segmentation_logits(sure, img) == 20).all()
