"""What several processes that train one model tell each other; without them, nothing happens.

N processes with batch B / N each compute together what one process with batch B computes: the
statistics that a batch shares are summed over all processes, gradients are averaged.
"""
from typing import Any, Callable, List, Optional, Sequence, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

from .errors import UserError

T = TypeVar('T')

#: Tensors are sent in buckets of about this many entries: few messages, little memory.
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


def broadcast(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by process 0's, in place."""
    if world_size() == 1:
        return
    with torch.no_grad():
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.flatten() for tensor in bucket])
            dist.broadcast(flat, 0)
            parts = flat.split([tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts):
                tensor.copy_(part.view_as(tensor))


def largest(number: int) -> int:
    """The largest of the processes' numbers; cheap enough for every iteration."""
    if world_size() == 1:
        return number
    # A group of NCCL alone, as mmcv makes it, takes no tensors of the host.
    device = torch.cuda.current_device() if dist.get_backend() == 'nccl' else 'cpu'
    value = torch.tensor(number, device=device)
    dist.all_reduce(value, dist.ReduceOp.MAX)
    return int(value)


def from_first(make: Callable[[], T]) -> T:
    """What ``make`` gives on process 0, where alone it is called; plain data.

    Raises:
        UserError: of ``make``, on all processes.
    """
    if world_size() == 1:
        return make()
    box: List[Any] = [None, None]
    if rank() == 0:
        try:
            box[0] = make()
        except UserError as error:
            box[1] = error
    sent = [box[0], box[1] and str(box[1])]
    dist.broadcast_object_list(sent, 0)
    if sent[1] is not None:
        raise box[1] or UserError(sent[1])
    return sent[0]


def first_before_others(make: Callable[[], T]) -> T:
    """What ``make`` gives on each process; process 0 calls it first, and the others then.

    It may write files that the others read.
    """
    made: List[T] = []
    from_first(lambda: made.append(make()))
    return made[0] if made else make()


def values_of_all(value: T) -> List[T]:
    """The plain data that each process gives, in their order."""
    if world_size() == 1:
        return [value]
    values: List[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def gather(value: T) -> Optional[List[T]]:
    """The same on process 0, None on the others."""
    if world_size() == 1:
        return [value]
    values: Optional[List[Any]] = [None] * world_size() if rank() == 0 else None
    dist.gather_object(value, values, 0)
    return values


def wait_for_all() -> None:
    """Go on when every process is here."""
    values_of_all(None)


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
