import pytest
import torch
from torch import nn

from mmseg_ssr.uda import FeatureDistance
from mmseg_ssr.uda.losses.feature_distance import downscale_label, masked_distance


def test_mean_distance_over_the_mask():
    feature, reference = torch.zeros(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)
    feature[0, :, 0, 0] = torch.tensor([3., 4.])
    feature[0, :, 0, 1] = torch.tensor([1., 0.])
    assert masked_distance(feature, reference) == 3
    assert masked_distance(feature, reference, torch.tensor([[[True, False]]])) == 5


def test_an_empty_mask_gives_zero_and_no_gradient():
    feature = torch.randn(1, 2, 2, 2, requires_grad=True)
    loss = masked_distance(feature, torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2).bool())
    loss.backward()
    assert loss == 0 and not feature.grad.any()


def test_equal_features_have_a_finite_gradient():
    feature = torch.ones(1, 2, 1, 1, requires_grad=True)
    masked_distance(feature, torch.ones(1, 2, 1, 1)).backward()
    assert not feature.grad.any()


def test_a_cell_takes_the_class_that_covers_it():
    label = torch.tensor([[6, 6, 0, 1], [6, 0, 2, 3], [255, 255, 4, 4], [255, 5, 7, 7]])
    cells = downscale_label(label[None, None], 2, 0.75, 19)
    assert cells[0, 0].tolist() == [[6, 255], [255, 255]]
    assert downscale_label(label[None, None], 2, 0.5, 19)[0, 0].tolist() == [[6, 255], [255, 4]]


class Network(nn.Module):
    def forward(self, img):
        return [nn.functional.avg_pool2d(img, 4)]


def test_compares_thing_cells_with_the_frozen_network():
    img = torch.randn(1, 3, 8, 8)
    label = torch.full((1, 1, 8, 8), 0)
    label[..., :4, :4] = 11
    distance = FeatureDistance(Network(), 0.5, 19, classes=[11], min_ratio=0.75)
    feature = torch.zeros(1, 3, 2, 2, requires_grad=True)
    loss, compares = distance(feature, img, label)
    assert compares
    torch.testing.assert_close(loss, 0.5 * img[0, :, :4, :4].mean((1, 2)).norm())
    loss.backward()
    assert feature.grad[..., 0, 0].any() and not feature.grad[..., 1, :].any()


def test_says_whether_there_is_anything_to_compare():
    feature, img, label = torch.zeros(1, 3, 2, 2), torch.randn(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    loss, compares = FeatureDistance(Network(), 1., 19, [11], 0.75)(feature, img, label)
    assert loss == 0 and not compares
    loss, compares = FeatureDistance(Network(), 1., 19)(feature, img, label)
    assert loss > 0 and compares


def test_classes_need_a_ratio():
    with pytest.raises(ValueError, match='imnet_feature_dist_scale_min_ratio'):
        FeatureDistance(Network(), 1., 19, classes=[1])


def test_cells_of_an_oblong_crop():
    label = 11 * (torch.rand(1, 1, 8, 64) < 0.75).float()
    distance = FeatureDistance(Network(), 1., 19, [11], 0.75)
    for side in (1, 2, 4):
        mask = distance.thing_mask(label, (8 // side, 64 // side))
        share = nn.functional.avg_pool2d((label == 11).float(), side)
        assert torch.equal(mask, share[:, 0] >= 0.75) and 0 < mask.sum() < mask.numel()


def test_labels_are_not_interpolated_where_cells_do_not_divide_the_crop():
    label = torch.zeros(1, 1, 10, 10)
    label[..., 5:] = 12  # between 0 and 12 lies 6, another thing
    distance = FeatureDistance(Network(), 1., 19, [6], 0.5)
    for size in (3, 4, 7):
        assert not distance.thing_mask(label, (size, size)).any()


def test_the_deepest_map_is_compared():
    class Two(nn.Module):
        def forward(self, img):
            return [img, nn.functional.avg_pool2d(img, 4)]

    img = torch.randn(1, 3, 8, 8)
    loss, _ = FeatureDistance(Two(), 1., 19)(nn.functional.avg_pool2d(img, 4), img, None)
    assert loss == 0
