"""Matching, points, and the losses with weights of pixels."""

import pytest
import torch
from torch.nn import functional as F

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.models.mask_former.draws import MaskDraws
from mmseg_ssr.models.mask_former.mask_losses import MaskLosses, MaskPredictions, targets_of
from mmseg_ssr.models.mask_former.points import sample_points, uncertain_points

CLASSES, QUERIES, SIZE = 4, 6, (16, 24)


def predictions(seed=0, layers=2):
    generator = torch.Generator().manual_seed(seed)
    return MaskPredictions(
        tuple(torch.randn(2, QUERIES, CLASSES + 1, generator=generator, requires_grad=True)
              for _ in range(layers)),
        tuple(torch.randn(2, QUERIES, 4, 6, generator=generator, requires_grad=True)
              for _ in range(layers)), SIZE)


def labels(seed=0, ignored=0.1):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, CLASSES, (2, 1, 4, 6), generator=generator).float()
    label = F.interpolate(coarse, SIZE).long()
    drop = torch.rand(label.shape, generator=generator) < ignored
    return torch.where(drop, 255, label)


def losses_of(label, weight=None, predicted=None, **options):
    torch.manual_seed(5)  # the points are the same each time
    losses = MaskLosses(CLASSES, num_points=200, **options)
    predicted = predicted or predictions()
    return losses(predicted, targets_of(label, 255, weight), MaskDraws())


def test_more_classes_than_queries_leave_the_surplus_out():
    predicted = MaskPredictions(tuple(one[:, :2] for one in predictions().classes),
                                tuple(one[:, :2] for one in predictions().masks), SIZE)
    losses = MaskLosses(CLASSES, num_points=50)
    targets = targets_of(labels(), 255)
    assert len(targets[0].classes) > 2
    matches = losses.matches(predicted.classes[0], predicted.masks[0], targets, MaskDraws())
    assert [len(queries) for queries, _ in matches] == [2, 2]
    assert all(value.isfinite() for value in losses(predicted, targets, MaskDraws()).values())


def test_numbers_that_are_not_finite_reach_the_losses():
    predicted = predictions()
    predicted.masks[0].data.fill_(float('nan'))
    assert losses_of(labels(), predicted=predicted)['d0.loss_mask'].isnan()


def test_points_read_maps_bilinearly_with_zeros_outside():
    maps = torch.arange(12.).view(1, 3, 4)
    points = torch.tensor([[0.5 / 4, 0.5 / 3], [1 / 4, 0.5 / 3], [0., 0.5 / 3]])
    for own, wanted in ((sample_points(maps, points), [[0., 0.5, 0.]]),
                        (sample_points(maps + 1, points[2:]), [[0.5]]),
                        (sample_points(maps + 1, points[2:], 'nearest'), [[1.]])):
        torch.testing.assert_close(own, torch.tensor(wanted))


def test_most_points_are_where_masks_are_undecided():
    torch.manual_seed(0)
    step = torch.linspace(-10, 10, 64).expand(1, 64, 64)
    points = uncertain_points(step, [0], 100, 3., 0.75, MaskDraws())
    assert points.shape == (1, 100, 2)
    # The candidates that are a quarter of 300 lie in the quarter of the columns around 0.
    middle = (points[0, :75, 0] - 0.5).abs()
    assert middle.max() < 0.2 < (points[0, 75:, 0] - 0.5).abs().max()


def test_names_of_losses():
    assert sorted(losses_of(labels())) == sorted(
        [f'{prefix}loss_{name}' for prefix in ('', 'd0.') for name in ('cls', 'mask', 'dice')])


def test_weight_1_changes_nothing_and_weight_q_scales_all_losses():
    label = labels(ignored=0.)
    plain = losses_of(label)
    ones, halves = (losses_of(label, torch.full((2, *SIZE), value)) for value in (1., 0.5))
    for name, value in plain.items():
        torch.testing.assert_close(ones[name], value)
        torch.testing.assert_close(halves[name], value / 2)


def test_weight_1_changes_nothing_where_labels_are_ignored():
    plain, ones = losses_of(labels()), losses_of(labels(), torch.ones(2, *SIZE))
    for name, value in plain.items():
        torch.testing.assert_close(ones[name], value)


def test_weight_0_gives_no_loss_and_no_gradient():
    predicted = predictions()
    losses = losses_of(labels(), torch.zeros(2, *SIZE), predicted)
    assert all(value == 0 for value in losses.values())
    sum(losses.values()).backward()
    assert all(not one.grad.any() for one in (*predicted.classes, *predicted.masks))


def test_labels_under_weight_0_do_not_matter():
    weight = torch.ones(2, *SIZE)
    weight[:, :, 12:] = 0
    label, other = labels(), labels()
    other[..., 12:] = (other[..., 12:] + 1) % CLASSES
    assert not torch.equal(label, other)
    changed = losses_of(other, weight)
    for name, value in losses_of(label, weight).items():
        assert value == changed[name] and value > 0, name


def test_predictions_under_weight_0_get_no_gradient_of_their_masks():
    weight = torch.ones(2, *SIZE)
    weight[:, :, 12:] = 0
    predicted = predictions()
    losses = losses_of(labels(), weight, predicted)
    (losses['loss_mask'] + losses['loss_dice']).backward()
    grad = predicted.masks[-1].grad  # 6 columns; bilinear reading reaches one column further
    assert grad[..., :3].any() and not grad[..., 4:].any()


def test_labels_of_ignored_pixels_alone_train_the_classes():
    losses = losses_of(torch.full((2, 1, *SIZE), 255))
    assert losses['loss_mask'] == losses['loss_dice'] == 0 and losses['loss_cls'] > 0
    expected = F.cross_entropy(predictions().classes[-1].flatten(0, 1),
                               torch.full((2 * QUERIES, ), CLASSES))
    torch.testing.assert_close(losses['loss_cls'], 2 * expected)


@pytest.mark.parametrize('options, message', [
    (dict(num_points=0), 'num_points must be at least 1, got 0'),
    (dict(mask_weight=-1), 'losses.mask_weight must be at least 0, got -1'),
    (dict(no_object_weight=0), 'losses.no_object_weight must be above 0, got 0'),
    (dict(oversample_ratio=0.5), 'oversample_ratio must be at least 1, got 0.5'),
    (dict(importance_sample_ratio=2.), r'importance_sample_ratio must be in \[0, 1\], got 2')])
def test_wrong_numbers_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        MaskLosses(CLASSES, **options)
