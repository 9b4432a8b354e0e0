"""Communication between several processes that train one model.

N processes with batch B / N each compute together what one process with batch B computes:
statistics of a batch are summed over all processes, and gradients are averaged. In a single process
these functions do nothing.
"""
from contextvars import ContextVar
from typing import Any, Callable, List, Optional, Sequence, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

from .errors import UserError

T = TypeVar('T')

#: Approximate number of entries in a bucket of tensors. Few messages are sent, with little memory.
BUCKET = 2 ** 24

#: Whether this process works on its own for now, while the others wait for it.
_alone: ContextVar[bool] = ContextVar('alone', default=False)


def world_size() -> int:
    """Return the number of processes that work together."""
    together = dist.is_available() and dist.is_initialized() and not _alone.get()
    return dist.get_world_size() if together else 1


def rank() -> int:
    """Return the number of this process, counted from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def total(value: Tensor) -> Tensor:
    """Return the sum over all processes, without gradient."""
    if world_size() == 1:
        return value
    value = value.detach().clone()
    dist.all_reduce(value)
    return value


def mean(value: Tensor) -> Tensor:
    """Return the mean over all processes, without gradient."""
    return value if world_size() == 1 else total(value) / world_size()


def average_gradients(gradients: Sequence[Tensor]) -> None:
    """Replace each gradient by its mean over all processes, in place."""
    if world_size() == 1:
        return
    for bucket in _buckets(gradients):
        flat = torch.cat([gradient.flatten() for gradient in bucket])
        dist.all_reduce(flat)
        flat /= world_size()
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


def host_group() -> 'Optional[dist.ProcessGroup]':
    """Return a group of all processes that takes numbers of the host. All have to call this.

    mmcv makes a group that only has NCCL, whose messages wait for the work of the device. A second
    group joins it then. None is the group that exists already.
    """
    if world_size() > 1 and dist.get_backend() == 'nccl':
        return dist.new_group(backend='gloo')
    return None


def largest(number: int, group: 'Optional[dist.ProcessGroup]' = None) -> int:
    """Return the largest of the processes' numbers. It is cheap enough for every iteration.

    The numbers stay on the host. No process waits for its device.

    Args:
        number: number of this process.
        group: group of :func:`host_group`.
    """
    if world_size() == 1:
        return number
    value = torch.tensor(number, device='cpu')
    dist.all_reduce(value, dist.ReduceOp.MAX, group=group)
    return int(value)


def from_first(make: Callable[[], T]) -> T:
    """Call ``make`` on process 0 only, and return its result, plain data, on all processes.

    The others wait. So ``make`` works as in a single process, and asks nobody for anything.

    Raises:
        UserError: ``make`` raised it. All processes raise it.
    """
    if world_size() == 1:
        return make()
    box: List[Any] = [None, None]
    if rank() == 0:
        token = _alone.set(True)
        try:
            box[0] = make()
        except UserError as error:
            box[1] = error
        finally:
            _alone.reset(token)
    sent = [box[0], box[1] and str(box[1])]
    dist.broadcast_object_list(sent, 0)
    if sent[1] is not None:
        raise box[1] or UserError(sent[1])
    return sent[0]


def first_before_others(make: Callable[[], T]) -> T:
    """Call ``make`` on process 0 and then on the others, and return each one's own result.

    Process 0 may write files that the others read.
    """
    made: List[T] = []
    from_first(lambda: made.append(make()))
    return made[0] if made else make()


def values_of_all(value: T) -> List[T]:
    """Return the ``value`` (plain data) of each process, in their order, on all processes."""
    if world_size() == 1:
        return [value]
    values: List[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def gather(value: T) -> Optional[List[T]]:
    """Return the ``value`` of each process, in their order, on process 0. Others get None."""
    if world_size() == 1:
        return [value]
    values: Optional[List[Any]] = [None] * world_size() if rank() == 0 else None
    dist.gather_object(value, values, 0)
    return values


def wait_for_all() -> None:
    """Wait until every process is here."""
    values_of_all(None)


def _buckets(tensors: Sequence[Tensor]) -> List[List[Tensor]]:
    """Put tensors into buckets in their order. A full bucket or a new dtype begins the next one."""
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
