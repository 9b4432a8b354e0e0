"""Every process that trains has the same networks: made so at the start, checked now and then."""
from typing import Any, Dict

import torch
from mmcv.runner import Hook
from torch import Tensor, nn

from ... import distributed
from ...errors import UserError
from ..build import networks

#: Integers of as many bytes as a number of a tensor has.
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class ReplicaCheck(Hook):
    """Compares the networks of all processes, after the first iteration and then now and then.

    Args:
        interval: iterations between two comparisons.
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
    """Networks are the same on all processes, to the bit.

    Raises:
        UserError: on all of them, with the names of what differs.
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
    """The processes were started with the same configuration on the same data.

    Raises:
        UserError: on all of them, with the name of what differs.
    """
    by_process = distributed.values_of_all(values)
    for process, found in enumerate(by_process):
        for name, value in found.items():
            if value != by_process[0][name]:
                raise UserError(
                    f'process {process} has another {name.replace("_", " ")} than process 0: '
                    'start all of them with the same command on the same files')


def checksum(tensor: Tensor) -> Tensor:
    """The sum of a tensor's numbers read as integers: equal bits give equal sums."""
    return tensor.detach().view(BITS[tensor.element_size()]).sum(dtype=torch.int64)


def _tensors(model: nn.Module) -> Dict[str, Tensor]:
    """Parameters and buffers of all networks by their names."""
    return {f'{prefix}{name}': tensor.detach() for prefix, network in networks(model)
            for name, tensor in (*network.named_parameters(), *network.named_buffers())}
