"""Where the computation runs, what memory it takes, and getting mmcv's batches there."""
import resource
import sys
from typing import Any

import torch
from mmcv.parallel import MODULE_WRAPPERS, DataContainer
from torch import nn

from ..errors import ConfigError


def pick_device(name: str = 'auto') -> torch.device:
    """``'auto'`` (an accelerator if there is one, else the CPU), or the name of a torch device.

    Raises:
        ConfigError: no such device on this machine.
    """
    if name == 'auto':
        # A bare index means the accelerator that torch was built for.
        return torch.device(0) if torch.cuda.is_available() else torch.device('cpu')
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # meta has no values
    except (RuntimeError, AssertionError, ValueError, NotImplementedError, ImportError) as error:
        raise ConfigError(f'--device {name}: there is no such device here ({pick_device()} is): '
                          'give --device auto or cpu') from error
    return device


def peak_memory_mb(device: torch.device) -> int:
    """Largest resident memory of this process, or on an accelerator the most it allocated."""
    if device.type != 'cpu' and torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated(device) / 2**20)
    unit = 1 if sys.platform == 'darwin' else 1024  # macOS counts bytes, Linux kilobytes
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)


def to_device(batch: Any, device: torch.device) -> Any:
    """Unpack mmcv's DataContainers, at any depth, and move tensors to ``device``."""
    if isinstance(batch, DataContainer):
        # Batched data is kept as one entry for each GPU of a process: here there is one.
        batch = batch.data[0] if isinstance(batch.data, list) else batch.data
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device(value, device) for value in batch)
    return batch


@MODULE_WRAPPERS.register_module()
class OnDevice(nn.Module):
    """A segmentor on one device, called with batches as mmcv's loaders give them."""

    def __init__(self, module: nn.Module, device: torch.device):
        super().__init__()
        self.module = module.to(device)
        self.device = device

    def forward(self, **batch: Any) -> Any:
        return self.module(**to_device(batch, self.device))

    def train_step(self, batch: dict, optimizer: torch.optim.Optimizer, **kwargs: Any) -> dict:
        return self.module.train_step(to_device(batch, self.device), optimizer, **kwargs)
