"""Passes through batch norms that leave no trace in their running statistics."""
from contextlib import contextmanager
from typing import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def untracked_statistics(network: nn.Module) -> Iterator[None]:
    """Within it, batch norms in training mode normalize by the batch as ever, but their running
    statistics stay as they are. In eval mode nothing changes."""
    norms = [module for module in network.modules()
             if isinstance(module, _BatchNorm) and module.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
