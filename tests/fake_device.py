"""An accelerator that does not exist: torch computes shapes, types and devices alone.

``FakeTensorMode`` accepts 'cuda' on a machine without one. An operation on tensors of two devices
raises, and so does what reads numbers on the host: ``.item()``, ``bool()``, a shape that depends on
numbers. Backward passes are not possible, because they ask for a CUDA context.
"""
from contextlib import ExitStack, contextmanager
from typing import Any, Iterator
from unittest import mock

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmseg_ssr.uda import Draws

DEVICE = torch.device('cuda:0')


class WaitsForDevice(AssertionError):
    """A copy between host and device lets the host wait until the device has done all its work."""


class NoWaiting(TorchDispatchMode):
    """Raises at copies that let the host wait. Those from the host may be ``non_blocking``."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = func.name().partition('.')[0]
        if name in ('aten::_to_copy', 'aten::copy_'):
            source = args[1] if name == 'aten::copy_' else args[0]
            async_ = kwargs.get('non_blocking', name == 'aten::copy_' and args[2:] == (True, ))
            to_device = source.device.type == 'cpu'
            if source.device.type != result.device.type and not (to_device and async_):
                raise WaitsForDevice(f'{source.device} to {result.device}, {tuple(result.shape)}')
        return result


@contextmanager
def fake_accelerator() -> Iterator[None]:
    """Let networks and steps run on :data:`DEVICE` inside the block."""
    with ExitStack() as stack:
        # torch believes that mixed precision needs a device that exists
        stack.enter_context(mock.patch(
            'torch.cuda.amp.common.amp_definitely_not_available', lambda: False))
        stack.enter_context(mock.patch('torch.cuda.is_bf16_supported', lambda *unused: True))
        # a generator of the device needs the device
        generator = Draws.generator
        stack.enter_context(mock.patch.object(
            Draws, 'generator', lambda self, image, device: generator(self, image, 'cpu')))
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        yield


def moved(method: nn.Module) -> nn.Module:
    """Move a method to the fake device, with the optimizer of its discriminators."""
    method.to(DEVICE)
    if method.adversary is not None:  # its parameters are other objects now
        method.adversary.optimizer.param_groups[0]['params'] = list(
            method.adversary.network.parameters())
    return method


@contextmanager
def no_backward(method: nn.Module) -> Iterator[None]:
    """Let backward passes give gradients of 0 to all parameters of a method."""
    def backward(*unused: Any, **also_unused: Any) -> None:
        networks = [method, *([] if method.adversary is None else [method.adversary.network])]
        for parameter in (p for network in networks for p in network.parameters()):
            if parameter.requires_grad:
                parameter.grad = torch.zeros_like(parameter)

    with mock.patch('torch.autograd.backward', backward):
        yield


def devices_of(value: Any) -> set:
    """The types of the devices of all tensors in a nesting."""
    return {leaf.device.type for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)}
