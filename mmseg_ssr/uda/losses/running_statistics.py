"""Forward passes that leave the running statistics of batch norms unchanged."""
from contextlib import contextmanager
from typing import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def untracked_statistics(network: nn.Module) -> Iterator[None]:
    """Keep the running statistics of batch norms unchanged within the block.

    In training mode they still normalize by the batch. In eval mode nothing changes.
    """
    norms = [module for module in network.modules()
             if isinstance(module, _BatchNorm) and module.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
