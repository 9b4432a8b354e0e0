"""Batch norm of two processes with half a batch each against one with the whole batch."""
import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import distributed as dist
from torch import nn

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.models.sync_batch_norm import (
    SyncBatchNorm,
    SyncBatchNormAct,
    synchronize_batch_norm,
)

SHAPES = {'images': (4, 3, 5, 6), 'vectors': (6, 3)}
#: Statistics far from 0 with little spread: a variance of one pass would lose all digits.
OFFSET = 1000.


def network(**options):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3, **options)
    if norm.affine:
        nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    return nn.Sequential(norm)


def batch(shape):
    return OFFSET + torch.randn(shape, generator=torch.Generator().manual_seed(1))


def share(tensor, rank, size):
    return tensor[rank * len(tensor) // size:(rank + 1) * len(tensor) // size]


def passed(net, shape, rank=0, size=1, steps=2):
    """Outputs, gradients of input and parameters, buffers of some training steps."""
    outputs, gradients = [], []
    for step in range(steps):
        image = share(batch(shape) * (step + 1), rank, size).requires_grad_()
        output = net(image)
        target = share(torch.arange(batch(shape).numel()).view(shape) % 7, rank, size)
        # the mean over the images of all processes, of which each has its part
        ((output - target) ** 3).mean().backward()
        outputs.append(output.detach())
        gradients.append(image.grad / size)
    return dict(outputs=torch.cat(outputs, 1), gradients=torch.cat(gradients, 1),
                parameters=[p.grad / size for p in net.parameters()],
                buffers=dict(net.named_buffers()))


def passed_together(shape, options):
    net = network(**options) if len(shape) == 4 else nn.Sequential(nn.BatchNorm1d(3))
    net = synchronize_batch_norm(net)
    assert type(net[0]) is SyncBatchNorm
    return passed(net, shape, dist.get_rank(), 2)


@pytest.mark.parametrize('shape, options', [
    ('images', {}), ('vectors', {}), ('images', dict(affine=False)),
    ('images', dict(momentum=None)), ('images', dict(track_running_stats=False))])
def test_two_processes_normalize_as_one(pair, shape, options):
    shape = SHAPES[shape]
    alone = passed(network(**options) if len(shape) == 4 else nn.Sequential(nn.BatchNorm1d(3)),
                   shape)
    parts = pair(passed_together, shape, options)
    for name, tolerance in (('outputs', 1e-3), ('gradients', 1e-3)):
        together = torch.cat([part[name] for part in parts])
        torch.testing.assert_close(together, alone[name], rtol=tolerance, atol=tolerance)
    for i, gradient in enumerate(alone['parameters']):
        torch.testing.assert_close(sum(part['parameters'][i] for part in parts), gradient,
                                   rtol=1e-3, atol=1e-3)
    for name, buffer in alone['buffers'].items():
        torch.testing.assert_close(parts[0]['buffers'][name], buffer)
        assert torch.equal(parts[0]['buffers'][name], parts[1]['buffers'][name])


def apart():
    """In eval mode, and what the modes of others do to it."""
    net = synchronize_batch_norm(network())
    net.eval()
    image = batch(SHAPES['images']) * (1 + dist.get_rank())
    plain = network().eval()
    return torch.equal(net(image), plain(image))


def test_in_eval_mode_processes_do_not_meet(pair):
    assert pair(apart) == [True, True]


def half_precision():
    net = synchronize_batch_norm(network())
    with torch.no_grad():
        output = net(torch.randn(2, 3, 4, 4).to(torch.bfloat16))
    return output.dtype, net[0].running_mean.dtype, output.requires_grad


def test_mixed_precision_and_a_teacher_without_gradients(pair):
    assert pair(half_precision) == [(torch.bfloat16, torch.float32, False)] * 2


def test_alone_it_is_a_plain_batch_norm():
    image = batch(SHAPES['images'])
    assert torch.equal(synchronize_batch_norm(network())(image), network()(image))


def test_names_parameters_and_modes_stay():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.BatchNorm2d(4), nn.GroupNorm(2, 4)),
                        nn.SyncBatchNorm(4))
    net[1][0].eval()
    names, weight = list(net.state_dict()), net[1][0].weight
    assert synchronize_batch_norm(net) is net
    assert list(net.state_dict()) == names and net[1][0].weight is weight
    assert [type(net[1][0]), type(net[1][1]), type(net[2])] == [
        SyncBatchNorm, nn.GroupNorm, SyncBatchNorm]
    assert not net[1][0].training and net[2].training
    single = synchronize_batch_norm(nn.BatchNorm1d(2))
    assert type(single) is SyncBatchNorm


def test_the_activation_in_a_batch_norm_of_timm_stays():
    torch.manual_seed(0)
    norm, image = BatchNormAct2d(3), torch.randn(2, 3, 4, 4)
    expected = norm(image)
    new = synchronize_batch_norm(norm)
    assert type(new) is SyncBatchNormAct and torch.equal(new(image), expected)
    assert expected.min() == 0


def test_a_batch_norm_that_does_more_is_refused():
    class Shifted(nn.BatchNorm2d):
        def forward(self, input):
            return super().forward(input) + 1

    with pytest.raises(ConfigError, match='type Shifted cannot be synchronized'):
        synchronize_batch_norm(nn.Sequential(Shifted(2)))


def gradients(compiled):
    torch.manual_seed(0)
    net = synchronize_batch_norm(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU()))
    if compiled:
        net.compile(dynamic=False)
    image = share(batch(SHAPES['images']), dist.get_rank(), 2)
    (net(image - OFFSET) ** 3).mean().backward()
    return net[0].weight.grad


@pytest.mark.soak
def test_gradients_between_processes_survive_compiling(pair):
    for own, expected in zip(pair(gradients, True), pair(gradients, False)):
        torch.testing.assert_close(own, expected)
