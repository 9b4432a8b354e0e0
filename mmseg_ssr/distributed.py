"""What several processes that train one model tell each other; without them, nothing happens.

N processes with batch B / N each compute together what one process with batch B computes: the
statistics that a batch shares are summed over all processes, gradients are averaged.
"""
from typing import List, Sequence

import torch
from torch import Tensor
from torch import distributed as dist

#: Gradients are averaged in buckets of about this many entries: few messages, little memory.
BUCKET = 2 ** 24


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def total(value: Tensor) -> Tensor:
    """The sum over all processes; no gradient passes through it."""
    if world_size() == 1:
        return value
    value = value.detach().clone()
    dist.all_reduce(value)
    return value


def mean(value: Tensor) -> Tensor:
    """The mean over all processes; no gradient passes through it."""
    return value if world_size() == 1 else total(value) / world_size()


def average_gradients(gradients: Sequence[Tensor]) -> None:
    """Replace each gradient by its mean over all processes, in place."""
    if world_size() == 1:
        return
    for bucket in _buckets(gradients):
        flat = mean(torch.cat([gradient.flatten() for gradient in bucket]))
        parts = flat.split([gradient.numel() for gradient in bucket])
        torch._foreach_copy_(bucket, [p.view_as(g) for p, g in zip(parts, bucket)])


def _buckets(tensors: Sequence[Tensor]) -> List[List[Tensor]]:
    """The tensors in their order, cut where a bucket is full or the dtype changes."""
    buckets: List[List[Tensor]] = []
    entries = 0
    for tensor in tensors:
        if not buckets or entries + tensor.numel() > BUCKET or \
                tensor.dtype != buckets[-1][0].dtype:
            buckets.append([])
            entries = 0
        buckets[-1].append(tensor)
        entries += tensor.numel()
    return buckets
