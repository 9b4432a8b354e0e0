"""Equal networks in all processes that train together: shared at the start and compared later."""
from typing import Dict, Iterator, Tuple

import torch
from torch import Tensor, nn

from .. import distributed
from ..errors import UserError
from ..regularizer.frozen import OutsideNetwork

#: Bytes of a tensor's number -> the integer type of that size.
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def networks(model: nn.Module) -> Iterator[Tuple[str, nn.Module]]:
    """Yield (prefix of its names, network) of a model and of the networks outside its module tree.

    Those outside are frozen, or train on their own.
    """
    yield '', model
    for name, module in model.named_modules():
        if isinstance(module, OutsideNetwork):
            yield f'{name}.', module.network


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


def checksum(tensor: Tensor) -> Tensor:
    """Return the sum of a tensor's bits read as integers. Equal bits give equal sums."""
    return tensor.detach().view(BITS[tensor.element_size()]).sum(dtype=torch.int64)


def _tensors(model: nn.Module) -> Dict[str, Tensor]:
    """Return the parameters and buffers of all networks by their names."""
    return {f'{prefix}{name}': tensor.detach() for prefix, network in networks(model)
            for name, tensor in (*network.named_parameters(), *network.named_buffers())}
