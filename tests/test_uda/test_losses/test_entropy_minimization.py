import math

import pytest
import torch

from mmseg_ssr.uda.losses.entropy_minimization import EntropyMinimization, entropy


def test_entropy_is_that_of_the_definition_divided_by_the_largest():
    probability = torch.tensor([0.5, 0.25, 0.25])
    logits = probability.log().view(1, 3, 1, 1) + 7  # a constant changes nothing
    expected = -sum(p * math.log(p) for p in (0.5, 0.25, 0.25)) / math.log(3)
    assert entropy(logits).item() == pytest.approx(expected)
    torch.testing.assert_close(entropy(torch.zeros(2, 5, 3, 4)), torch.ones(2, 3, 4))


def test_certainty_has_no_entropy_and_a_finite_gradient():
    logits = torch.tensor([1e4, 0., -1e4]).view(1, 3, 1, 1).requires_grad_()
    loss = entropy(logits).sum()
    loss.backward()
    assert loss == 0 and logits.grad.isfinite().all()


def test_each_level_has_its_weight():
    logits = dict(main=torch.randn(2, 4, 3, 3), aux=torch.randn(2, 4, 3, 3))
    losses = EntropyMinimization(dict(main=0.1, aux=0.02))(logits)
    assert losses == {'ent.loss.main': 0.1 * entropy(logits['main']).mean(),
                      'ent.loss.aux': 0.02 * entropy(logits['aux']).mean()}
    assert set(EntropyMinimization(dict(main=1.))(logits)) == {'ent.loss.main'}


def test_descent_makes_predictions_certain():
    logits = torch.randn(1, 4, 3, 3, requires_grad=True)
    before = entropy(logits).mean()
    (gradient, ) = torch.autograd.grad(before, logits)
    assert entropy(logits - gradient).mean() < before
