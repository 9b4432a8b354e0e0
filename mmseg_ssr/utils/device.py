"""The device of a computation: its memory, and its instructions for numbers of 16 bits."""
import platform
import re
import resource
import sys
from typing import Callable, Dict, Optional, Sequence

import torch

from ..errors import ConfigError

#: Text of the errors that torch, OpenCV and numpy raise for lack of memory.
NO_MEMORY = re.compile(r'out of memory|alloc\w* .*memory|not enough memory|insufficient memory|'
                       r'unable to allocate', re.IGNORECASE)
#: Names of the one architecture whose instructions are judged here.
X86 = ('x86_64', 'amd64')


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


def slower_line(dtype: Optional[torch.dtype], device: torch.device) -> Optional[str]:
    """Return a line saying that ``dtype`` is slower than float32 on ``device``, or None.

    It is slower on an x86 processor without AVX512-BF16 and AMX (bfloat16), or without AVX512-FP16
    (float16). Other processors and accelerators are not judged, nor is a processor that this
    version of torch cannot ask.
    """
    if (dtype not in QUESTIONS or device.type != 'cpu' or platform.machine().lower() not in X86
            or has_instructions(dtype) is not False):
        return None
    name = str(dtype).split('.')[-1]
    return (f'16 bits are slower than float32 on this processor, which has no instructions for '
            f'{name}')


def has_instructions(dtype: torch.dtype) -> Optional[bool]:
    """Return whether the processor computes with this type; None if torch cannot tell."""
    answers = [ask() for ask in QUESTIONS[dtype]()]
    return any(answers) if answers else None


def _of_bfloat16() -> Sequence[Callable[[], bool]]:
    names = '_is_avx512_bf16_supported', '_is_amx_tile_supported'
    return [getattr(torch.cpu, name) for name in names if hasattr(torch.cpu, name)]


def _of_float16() -> Sequence[Callable[[], bool]]:
    # oneDNN's answer. Its answer for bfloat16 is True without instructions too.
    ask = getattr(torch.ops.mkldnn, '_is_mkldnn_fp16_supported', None)
    return [ask] if ask else []


#: What to ask torch about each type.
QUESTIONS: Dict[torch.dtype, Callable[[], Sequence[Callable[[], bool]]]] = {
    torch.bfloat16: _of_bfloat16,
    torch.float16: _of_float16,
}
