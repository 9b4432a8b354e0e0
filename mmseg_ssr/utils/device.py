"""Where the computation runs, and what memory it takes."""
import resource
import sys

import torch

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
