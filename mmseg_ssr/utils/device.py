"""The device of a computation, and its memory."""
import re
import resource
import sys

import torch

from ..errors import ConfigError

#: Text of the errors that torch, OpenCV and numpy raise for lack of memory.
NO_MEMORY = re.compile(r'out of memory|alloc\w* .*memory|not enough memory|insufficient memory|'
                       r'unable to allocate', re.IGNORECASE)


def pick_device(name: str = 'auto') -> torch.device:
    """Return the torch device of that name. ``'auto'`` is an accelerator if there is one, else CPU.

    Raises:
        ConfigError: this machine has no such device.
    """
    if name == 'auto':
        # An index without a type means the accelerator that torch was built for.
        return torch.device(0) if torch.cuda.is_available() else torch.device('cpu')
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # fails for meta, which holds no values
    except (RuntimeError, AssertionError, ValueError, NotImplementedError, ImportError) as error:
        raise ConfigError(f'--device {name}: there is no such device here ({pick_device()} is): '
                          'give --device auto or cpu') from error
    return device


def send(value: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a small tensor of the host on a device, without waiting for the device's work.

    The driver keeps a copy of the numbers until the device takes them.
    """
    return value.to(device, non_blocking=True)


def peak_memory_mb(device: torch.device) -> int:
    """Return this process's peak memory in MiB.

    On an accelerator it is the most memory that was allocated, on the CPU the largest resident
    memory.
    """
    if device.type != 'cpu' and torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated(device) / 2**20)
    unit = 1 if sys.platform == 'darwin' else 1024  # macOS counts bytes, Linux kilobytes
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)


def lacks_memory(error: BaseException) -> bool:
    """Whether an error was raised for lack of memory, as far as its text says so."""
    return isinstance(error, MemoryError) or NO_MEMORY.search(str(error)) is not None
