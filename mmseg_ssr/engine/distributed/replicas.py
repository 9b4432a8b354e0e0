"""Equal networks in all training processes: shared at the start and checked at an interval."""
from typing import Any, Dict

import torch
from mmcv.runner import Hook
from torch import Tensor, nn

from ... import distributed
from ...errors import UserError
from ..build import networks

#: Bytes of a tensor's number -> the integer type of that size.
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class ReplicaCheck(Hook):
    """Hook that compares the networks of all processes.

    It compares them after the first iteration, at an interval, and after the last iteration.

    Args:
        interval: number of iterations between two comparisons.
    """

    def __init__(self, interval: int):
        self.interval = interval
        self._first = True

    def after_train_iter(self, runner: Any) -> None:
        if self._first or self.every_n_iters(runner, self.interval) or self.is_last_iter(runner):
            check_replicas(runner.bare_model, f'after iteration {runner.iter + 1}')
        self._first = False


def share_networks(model: nn.Module) -> None:
    """Give all processes the networks of process 0: weights, statistics, teachers, frozen parts."""
    distributed.broadcast(list(_tensors(model).values()))


def check_replicas(model: nn.Module, when: str) -> None:
    """Check that the networks of all processes are equal to the bit.

    Args:
        model: the model of this process.
        when: text that begins the message.

    Raises:
        UserError: some tensors differ. All processes raise it with the tensors' names.
    """
    tensors = _tensors(model)
    sums = torch.stack([checksum(tensor) for tensor in tensors.values()])
    by_process = distributed.values_of_all(sums.tolist())
    differing = [name for name, *values in zip(tensors, *by_process) if len(set(values)) > 1]
    if differing:
        more = f' and {len(differing) - 3} more' if len(differing) > 3 else ''
        raise UserError(
            f'{when} the processes have different networks ({", ".join(differing[:3])}{more}): '
            'gradients were not averaged, or the machines do not compute the same bits '
            '(docs/multi_gpu.md)')


def check_agreement(**values: Any) -> None:
    """Check that all processes were started with the same values.

    Args:
        values: values by name, such as config, seed and number of images.

    Raises:
        UserError: a value differs. All processes raise it with the value's name.
    """
    by_process = distributed.values_of_all(values)
    for process, found in enumerate(by_process):
        for name, value in found.items():
            if value != by_process[0][name]:
                raise UserError(
                    f'process {process} has another {name.replace("_", " ")} than process 0: '
                    'start all of them with the same command on the same files')


def checksum(tensor: Tensor) -> Tensor:
    """Return the sum of a tensor's bits read as integers. Equal bits give equal sums."""
    return tensor.detach().view(BITS[tensor.element_size()]).sum(dtype=torch.int64)


def _tensors(model: nn.Module) -> Dict[str, Tensor]:
    """Return the parameters and buffers of all networks by their names."""
    return {f'{prefix}{name}': tensor.detach() for prefix, network in networks(model)
            for name, tensor in (*network.named_parameters(), *network.named_buffers())}
