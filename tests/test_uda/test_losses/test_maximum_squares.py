import math

import pytest
import torch
from torch.nn import functional as F

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda.losses.maximum_squares import (
    IGNORED,
    Guidance,
    MaximumSquares,
    MaximumSquaresKeys,
    guided_loss,
    image_wise_maximum_squares,
    maximum_squares,
)


def maps(*pixels):
    """Probabilities of the pixels of one image, 2 x 2 -> 1 x K x 2 x 2."""
    return torch.tensor(pixels).t().reshape(1, -1, 2, 2)


def test_half_the_mean_of_the_squares():
    probability = maps([1., 0.], [0.5, 0.5], [0.8, 0.2], [0.3, 0.7])
    squares = (1 + 0) + (0.25 + 0.25) + (0.64 + 0.04) + (0.09 + 0.49)
    assert maximum_squares(probability).item() == pytest.approx(-squares / 8 / 2)


def test_the_gradient_is_linear_in_the_probability():
    probability = torch.rand(2, 3, 4, 5, requires_grad=True)
    maximum_squares(probability).backward()
    torch.testing.assert_close(probability.grad, -probability.detach() / probability.numel())


def test_image_wise_weights_by_hand():
    # three pixels of class 0, one of class 1, in an image of four
    probability = maps([0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7])
    squares = [0.82, 0.52, 0.68, 0.58]
    common, rare = (1 / (n ** 0.2 * 4 ** 0.8) for n in (3, 1))
    expected = -(common * sum(squares[:3]) + rare * squares[3]) / 2
    assert image_wise_maximum_squares(probability, 0.2).item() == pytest.approx(expected)
    assert image_wise_maximum_squares(probability, 0.).item() == pytest.approx(
        2 * maximum_squares(probability).item())  # equal weights; the published factor differs


def test_each_image_has_its_own_weights_and_no_gradient_goes_through_them():
    batch = torch.randn(3, 4, 5, 6).softmax(1).requires_grad_()
    loss = image_wise_maximum_squares(batch, 0.2)
    single = torch.stack([image_wise_maximum_squares(image[None], 0.2) for image in batch]).mean()
    torch.testing.assert_close(loss, single)
    loss.backward()
    per_pixel = batch.grad / batch.detach()  # the same weight for all classes of a pixel
    assert (per_pixel - per_pixel[:, :1]).abs().max() < 1e-6


def test_where_guidance_comes_from():
    main = maps([0.97, 0.02, 0.01], [0.5, 0.3, 0.2], [0.1, 0.5, 0.4], [0.1, 0.1, 0.8])
    aux = maps([0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0., 0.04, 0.96], [0.9, 0.05, 0.05])
    part = MaximumSquares(1., guidance=Guidance())
    assert part.guiding_label(main, aux).flatten().tolist() == [0, IGNORED, 2, IGNORED]
    part = MaximumSquares(1., guidance=Guidance(guide='main'))
    assert part.guiding_label(main, aux).flatten().tolist() == [0, IGNORED, IGNORED, IGNORED]
    part = MaximumSquares(1., guidance=Guidance(threshold=0.7, guide='main'))
    assert part.guiding_label(main, aux).flatten().tolist() == [0, IGNORED, IGNORED, 2]


def test_guidance_is_the_mean_cross_entropy_where_there_is_a_label():
    logits, label = torch.randn(2, 3, 4, 4), torch.randint(-1, 3, (2, 4, 4))
    torch.testing.assert_close(guided_loss(logits, label),
                               F.cross_entropy(logits, label, ignore_index=-1))
    logits.requires_grad_()
    nothing = guided_loss(logits, torch.full_like(label, IGNORED))
    nothing.backward()
    assert nothing == 0 and not logits.grad.any()


def test_guidance_teaches_the_earlier_level_alone():
    logits = {level: (9 * torch.randn(2, 3, 4, 4)).requires_grad_() for level in ('main', 'aux')}
    losses = MaximumSquares(0.09, guidance=Guidance())(logits)
    assert set(losses) == {'max_square.loss.main', 'guidance.loss.aux'}
    losses['guidance.loss.aux'].backward()
    assert logits['main'].grad is None and logits['aux'].grad.abs().sum() > 0


def test_weights_scale_the_losses():
    logits = {level: 9 * torch.randn(2, 3, 4, 4) for level in ('main', 'aux')}
    full, part = (MaximumSquares(weight, 0.2, Guidance(share))(logits)
                  for weight, share in ((1., 1.), (0.1, 0.3)))
    for name, factor in (('max_square.loss.main', 0.1), ('guidance.loss.aux', 0.03)):
        torch.testing.assert_close(part[name], factor * full[name])
    assert set(MaximumSquares(1.)(dict(main=logits['main']))) == {'max_square.loss.main'}


def test_uniform_predictions_have_the_largest_loss():
    uniform = maximum_squares(torch.full((1, 4, 2, 2), 0.25))
    assert uniform.item() == pytest.approx(-1 / 32)
    assert math.isclose(maximum_squares(F.one_hot(torch.zeros(1, 2, 2).long(), 4).permute(
        0, 3, 1, 2).float()).item(), -1 / 8)


@pytest.mark.parametrize('options, message', [
    (dict(image_wise_ratio=2.), 'image_wise_ratio must be in'),
    (dict(guidance_from='aux'), "guidance_from must be 'mean' or 'main', got 'aux'"),
    (dict(guidance_threshold=95.), 'guidance_threshold must be in')])
def test_wrong_values(options, message):
    with pytest.raises(ConfigError, match=message):
        MaximumSquaresKeys(1., **options)
