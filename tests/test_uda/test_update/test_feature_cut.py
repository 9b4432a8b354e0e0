from typing import NamedTuple

import torch

from mmseg_ssr.uda.update.feature_cut import FeatureCut


class Nested(NamedTuple):
    maps: tuple
    box: tuple


def test_losses_one_after_the_other_give_the_gradient_of_their_sum():
    weight = torch.randn(3, requires_grad=True)
    features = Nested((weight * 2, weight.exp()), (1, 2))
    (features.maps[0].sum() + features.maps[0].square().sum() + features.maps[1].sum()).backward()
    expected, weight.grad = weight.grad, None

    cut = FeatureCut(Nested((weight * 2, weight.exp()), (1, 2)))
    maps = cut.features.maps
    for loss in (maps[0].sum(), maps[0].square().sum(), maps[1].sum()):
        loss.backward()
        assert weight.grad is None
    cut.backward()
    torch.testing.assert_close(weight.grad, expected)


def test_keeps_structure_and_what_needs_no_gradient():
    frozen = torch.ones(2)
    cut = FeatureCut(Nested((frozen, torch.ones(2, requires_grad=True) * 3), (1, 2)))
    assert isinstance(cut.features, Nested) and cut.features.box == (1, 2)
    assert cut.features.maps[0] is frozen and cut.features.maps[1].is_leaf
    cut.backward()  # nothing has arrived: nothing happens
