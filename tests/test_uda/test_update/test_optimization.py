import pytest
import torch

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import Optimization
from mmseg_ssr.uda.update.optimization import OptimizationKeys
from mmseg_ssr.utils import device


def trained(optimization, losses, rate=1.):
    """The weight after SGD on losses that are multiples of it; one loss an iteration."""
    weight = torch.nn.Parameter(torch.tensor([1., 1.]))
    optimizer = torch.optim.SGD([weight], lr=rate)
    for i, factor in enumerate(losses):
        if optimization.starts_round(i):
            optimizer.zero_grad()
        optimization.backward((weight * torch.tensor(factor)).sum())
        if optimization.ends_round(i):
            optimization.update(*optimization.collect(True, optimizer), optimizer)
    return weight.detach().tolist()


def test_plain_descent():
    assert trained(Optimization(), [[1., 2.], [1., 0.]]) == [-1., -1.]


def test_the_mean_gradient_of_a_round_makes_one_update():
    assert trained(Optimization(cumulative_iters=2), [[1., 2.], [3., 0.]]) == [-1., 0.]
    assert trained(Optimization(cumulative_iters=3), [[1., 2.], [3., 0.]]) == [1., 1.]


def test_gradients_are_clipped_to_their_norm():
    weight = trained(Optimization(max_norm=1.), [[3., 4.]])
    assert weight == pytest.approx([1 - 0.6, 1 - 0.8], abs=1e-5)
    assert trained(Optimization(max_norm=10.), [[3., 4.]]) == [-2., -3.]
    assert trained(Optimization(max_norm=2., norm_type=float('inf')), [[1., 4.]]) == \
        pytest.approx([0.5, -1.], abs=1e-5)


def test_float16_scales_losses_and_leaves_overflows_out():
    optimization = Optimization('float16')
    assert trained(optimization, [[1., 2.]]) == [0., -1.]
    before = optimization.training_state()['scaler']['scale']
    assert before > 1
    assert trained(optimization, [[float('inf'), 1.]]) == [1., 1.]
    assert optimization.training_state()['scaler']['scale'] == before / 2
    other = Optimization('float16')
    other.load_training_state(optimization.training_state(), torch.device('cpu'))
    assert other.training_state() == optimization.training_state()


def test_float16_gives_up_when_no_scale_helps():
    optimization = Optimization('float16')
    with pytest.raises(OverflowError, match='at any scale'):
        trained(optimization, [[float('inf'), 1.]] * 50)


def test_precision_of_forward_passes():
    with Optimization('bfloat16').precision(torch.device('cpu')):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.bfloat16
    with Optimization().precision(torch.device('cpu')):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


@pytest.mark.parametrize('dtype, wanted', [('bfloat16', 1), ('float16', 0), (None, 0)])
def test_a_training_keeps_16_bits_and_warns_once_where_they_are_slower(dtype, wanted, monkeypatch):
    monkeypatch.setattr('platform.machine', lambda: 'x86_64')
    monkeypatch.setattr(device, 'has_instructions', lambda dtype: dtype != torch.bfloat16)
    told = []
    optimization = OptimizationKeys(amp=dtype and dict(dtype=dtype)).build(told.append)
    for _ in range(2):
        with optimization.precision(torch.device('cpu')):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is getattr(torch, dtype or 'float32')
    assert told == ['16 bits are slower than float32 on this processor, which has no instructions '
                    'for bfloat16: amp saves memory here, but no time'] * wanted


@pytest.mark.parametrize('options, message', [
    (dict(amp=dict(dtype='float8')), "amp.dtype must be 'bfloat16' or 'float16'"),
    (dict(grad_clip=dict(max_norm=0)), 'grad_clip.max_norm must be above 0'),
    (dict(grad_clip=dict(max_norm=1., norm_type=-1)), 'grad_clip.norm_type must be above 0'),
    (dict(cumulative_iters=0), 'cumulative_iters must be at least 1')])
def test_bad_values(options, message):
    with pytest.raises(ConfigError, match=message):
        OptimizationKeys(**options)


@pytest.mark.parametrize('dtype', [None, 'float16'])
@pytest.mark.parametrize('spoilt', [0, 1])
def test_a_spoilt_round_updates_nothing_and_the_next_one_does(dtype, spoilt):
    optimization = Optimization(dtype, cumulative_iters=2)
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=1.)
    for i in range(4):
        optimization.backward((weight * torch.tensor([float(i + 1), 0.])).sum())
        norm, = optimization.collect(optimization.ends_round(i), optimizer)
        if i == spoilt:
            optimization.spoil(optimizer)
        if optimization.ends_round(i):
            optimization.update(norm, optimizer)
            assert weight.tolist() == ([1., 1.] if i == 1 else [1 - 3.5, 1.])
            optimizer.zero_grad()


def test_a_spoilt_round_is_one_after_a_resume_too():
    optimization, other = Optimization(cumulative_iters=2), Optimization(cumulative_iters=2)
    optimization.spoil()
    other.load_training_state(optimization.training_state(), torch.device('cpu'))
    assert trained(other, [[1., 2.], [3., 0.]]) == [1., 1.]


def test_the_norm_is_that_of_all_gradients_in_its_order():
    weights = [torch.nn.Parameter(torch.zeros(2)) for _ in range(2)]
    sgd = torch.optim.SGD([dict(params=[weight]) for weight in weights], lr=1.)
    for weight, gradient in zip(weights, ([3., 4.], [0., 12.])):
        weight.grad = torch.tensor(gradient)
    for order, norm in ((2., 13.), (float('inf'), 12.), (1., 19.)):
        assert Optimization(norm_type=order).collect(True, sgd) == [pytest.approx(norm)]


def test_a_spoilt_round_leaves_no_gradients():
    optimization, weight = Optimization(cumulative_iters=3), torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=1.)
    optimization.spoil(optimizer)
    optimization.backward(weight.sum())  # of a later iteration of the round
    optimization.update(*optimization.collect(True, optimizer), optimizer)
    assert weight.grad is None and not optimization.spoiled and weight.tolist() == [1., 1.]
