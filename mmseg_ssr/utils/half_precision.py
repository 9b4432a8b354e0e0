"""Numbers of 16 bits on a processor that may lack instructions for them."""
import platform
from typing import Callable, Dict, Optional, Sequence

import torch

#: Names of the one architecture that is judged here.
X86 = ('x86_64', 'amd64')


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
