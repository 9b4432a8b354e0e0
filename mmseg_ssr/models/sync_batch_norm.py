"""Batch norm over the batch of all processes that train together (Sync BN, arXiv 1711.07240)."""
from typing import Tuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .. import distributed
from ..errors import ConfigError
from ..uda.student import full_precision


class SyncBatchNorm(nn.SyncBatchNorm):
    """``torch.nn.SyncBatchNorm`` that also works on a CPU, where torch's refuses to.

    In training the statistics are those of all processes, and gradients flow through them. In eval
    mode it is a plain batch norm. On a CPU the variance is taken around the mean in a second pass.
    It is as precise as that of one process with the whole batch.
    """

    # compiled, messages between processes lose their gradients without a word (torch 2.11)
    @torch.compiler.disable
    def forward(self, input: Tensor) -> Tensor:
        """Normalize B x C x ... to the same shape and dtype."""
        apart = not self.training or distributed.world_size() == 1
        if apart or input.device.type != 'cpu':
            return super().forward(input)
        mean, variance, count = batch_statistics(full_precision(input))
        if self.track_running_stats:
            self._track(mean.detach(), variance.detach() * count / (count - 1))
        shape = [1, -1] + [1] * (input.dim() - 2)
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = scale * self.weight
        output = (input - mean.view(shape)) * scale.view(shape)
        if self.affine:
            output = output + self.bias.view(shape)
        return output.to(input.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        self.num_batches_tracked.add_(1)
        rate = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), rate)
        self.running_var.lerp_(variance.to(self.running_var.dtype), rate)


class SyncBatchNormAct(SyncBatchNorm):
    """The same for timm's ``BatchNormAct2d``, which adds dropout and activation."""

    drop: nn.Module
    act: nn.Module

    def forward(self, input: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(input)))


def batch_statistics(input: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Return mean, biased variance and number of values of each channel over all processes.

    Args:
        input: B x C x ..., where B may differ between processes.
    """
    from torch.distributed.nn.functional import all_reduce  # gradients pass through it
    dims = [0, *range(2, input.dim())]
    count = input.new_full((1, ), input.numel() // input.shape[1])
    sums, total = all_reduce(torch.cat([input.sum(dims), count])).split([input.shape[1], 1])
    mean = sums / total
    centered = input - mean.view([1, -1] + [1] * (input.dim() - 2))
    return mean, all_reduce(centered.square().sum(dims)) / total, total


def synchronize_batch_norm(module: nn.Module) -> nn.Module:
    """Replace every batch norm inside by a synchronized one with the same parameters and buffers.

    Returns:
        ``module``, or its replacement if it is a batch norm itself.

    Raises:
        ConfigError: a batch norm does more than the plain one, so it has no replacement.
    """
    if isinstance(module, _BatchNorm) and not isinstance(module, SyncBatchNorm):
        return _synchronized(module)
    for name, child in module.named_children():
        new = synchronize_batch_norm(child)
        if new is not child:
            setattr(module, name, new)
    return module


def _synchronized(norm: _BatchNorm) -> SyncBatchNorm:
    with_act = hasattr(norm, 'act') and hasattr(norm, 'drop')
    plain = type(norm).forward in (_BatchNorm.forward, nn.SyncBatchNorm.forward)
    if not with_act and not plain:
        raise ConfigError(f'batch norm of type {type(norm).__name__} cannot be synchronized over '
                          'several processes: use BN or GN, or train in one process')
    new = (SyncBatchNormAct if with_act else SyncBatchNorm)(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    if with_act:
        new.act, new.drop = norm.act, norm.drop
    for name in ('weight', 'bias'):
        setattr(new, name, getattr(norm, name))  # the same objects: an optimizer may have them
    for name in ('running_mean', 'running_var', 'num_batches_tracked'):
        setattr(new, name, getattr(norm, name))
    new.training = norm.training
    return new
